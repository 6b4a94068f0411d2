"""What is asked of a typed mail address before it is registered: a slip? a domain with mail?"""

from difflib import get_close_matches

from email_validator import EmailNotValidError, validate_email
from flask import current_app

from selfservice.suppliers.addresses import address_key
from selfservice.turns import NoTurnError, Turns

DNS_SECONDS = 3
# Whoever types an address chooses the name server that is asked, and how slow it is.
asking = Turns(at_once=1, wait_seconds=0, spared=2)
# Where most French mailboxes are; a domain that is nearly one of these is taken for a slip.
USUAL_DOMAINS = (
    *("gmail.com", "orange.fr", "wanadoo.fr", "free.fr", "sfr.fr", "laposte.net", "neuf.fr"),
    *("hotmail.fr", "hotmail.com", "outlook.fr", "outlook.com", "live.fr", "yahoo.fr", "yahoo.com"),
    *("icloud.com", "bbox.fr", "numericable.fr", "club-internet.fr", "aol.com", "gmx.fr"),
    *("protonmail.com", "proton.me"),
)
LIKENESS = 0.85  # « gmial.com » is gmail.com, « gmail.fr » and « gmx.com » may be meant


def near_miss(address: str) -> str:
    """Return the address that was probably meant, empty where nothing looks like a slip."""
    local, _, domain = address_key(address).rpartition("@")
    if domain in USUAL_DOMAINS:
        return ""
    nearest = get_close_matches(domain[:64], USUAL_DOMAINS, n=1, cutoff=LIKENESS)
    return f"{local}@{nearest[0]}" if nearest else ""


def takes_mail(address: str) -> bool:
    """Tell whether the domain takes mail; True too where no name server answers in DNS_SECONDS.

    False means that the domain does not exist, or says itself that it takes none (RFC 7505). One
    is asked at a time, and what comes meanwhile is believed. A portal that writes its mails into a
    folder asks nobody.
    """
    if current_app.config["MAIL_TRANSPORT"] == "file":
        return True
    try:
        with asking.one():
            validate_email(
                address, check_deliverability=True, allow_smtputf8=False, timeout=DNS_SECONDS
            )
    except NoTurnError:
        return True
    except EmailNotValidError:
        return False
    return True
