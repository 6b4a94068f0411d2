"""What the help site repeats of the portal: durations, labels, the password rule, the example mail.

Everything is read from the portal itself, so that the two cannot disagree.
"""

import functools
import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from selfservice import config, placeholders
from selfservice.accounts import messages
from selfservice.accounts.models import DEFAULT_DISPLAY_HISTORY_MONTHS, DISPLAY_HISTORY_CHOICES
from selfservice.help import help_url
from selfservice.invoices.queries import LEAVING_DAYS
from selfservice.requests import messages as request_messages
from selfservice.retention.records import DEAD_LINK_DAYS, FEEDBACK_MONTHS, MAIL_TEXT_DAYS

EXAMPLE_LOGIN = "pierre.durand_1"  # FAQ 4


class UnknownFactError(Exception):
    """No supplier has a fact of this name."""


@functools.cache
def settings() -> dict[str, Any]:
    """Return the settings of the instance that the site is built for."""
    return config.load(config.instance_path())


def in_months(months: int) -> str:
    return f"{months} mois"


def in_years(months: int) -> str:
    """Return « 2 ans » for 24 months, « 30 mois » where the years are not whole."""
    years, rest = divmod(months, 12)
    if rest or not years:
        return in_months(months)
    return f"{years} an{'s' if years > 1 else ''}"


def in_hours(minutes: int) -> str:
    """Return « 2 heures » for 120 minutes, « 90 minutes » where the hours are not whole."""
    hours, rest = divmod(minutes, 60)
    if rest or not hours:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{hours} heure{'s' if hours > 1 else ''}"


def in_words(parts: list[str], link: str) -> str:
    """Return « 3 mois, 6 mois, 1 an ou 2 ans »."""
    return f"{', '.join(parts[:-1])} {link} {parts[-1]}"


def variables() -> dict[str, str]:
    """Return what a page may write between double braces, beside `extra:` of mkdocs.yml."""
    histories = list(DISPLAY_HISTORY_CHOICES.values())
    return {
        "retention": in_months(settings()["RETENTION_MONTHS"]),
        "retention_in_years": in_years(settings()["RETENTION_MONTHS"]),
        "recovery_link_life": in_hours(settings()["RECOVERY_LINK_MINUTES"]),
        "adviser_idle_minutes": str(settings()["ADVISER_SESSION_IDLE_MINUTES"]),
        "download_link_life": f"{settings()['DOWNLOAD_LINK_DAYS']} jours",
        "audit_life": in_months(settings()["AUDIT_MONTHS"]),
        "mail_text_life": f"{MAIL_TEXT_DAYS} jours",
        "dead_link_life": f"{DEAD_LINK_DAYS} jours",
        "feedback_life": in_months(FEEDBACK_MONTHS),
        "leaving_days": str(LEAVING_DAYS),
        "archive_documents": str(settings()["ARCHIVE_MAX_DOCUMENTS"]),
        "proof_life": in_hours(settings()["REQUEST_PROOF_HOURS"] * 60),
        "objection_days": f"{settings()['REQUEST_OBJECTION_DAYS']} jours",
        "request_states": in_words(
            [f"« {each} »" for each in request_messages.STATE_LABELS.values()], "ou"
        ),
        "session_life": in_hours(settings()["SESSION_HOURS"] * 60),
        "publisher": publisher(),
        "mail_sender": settings()["MAIL_DEFAULT_SENDER"],
        "recovery_mail_subject": recovery_mail_subject(),
        "default_history": DISPLAY_HISTORY_CHOICES[DEFAULT_DISPLAY_HISTORY_MONTHS],
        "default_history_count": str(DEFAULT_DISPLAY_HISTORY_MONTHS),
        "longest_history": histories[-1],
        "histories": in_words(histories, "ou"),
    }


def address() -> dict[str, str]:
    """Return the name of the portal, its address where it has a public one, and the help's.

    `portal_root` begins each link to the portal, where the help has a host of its own.
    """
    brand, public_url = settings()["PORTAL_NAME"], settings()["PUBLIC_URL"]
    if site_url := os.environ.get("HELP_SITE_URL"):  # build.py
        portal_url = os.environ["HELP_PORTAL_URL"]
        return {
            "brand": brand,
            "portal_url": portal_url,
            "portal_root": portal_url,
            "site_url": site_url,
        }
    is_public = urlsplit(public_url).hostname not in config.LOOPBACK
    return {"brand": brand, "portal_root": ""} | ({"portal_url": public_url} if is_public else {})


def facts_of_supplier(portal_url: str) -> dict[str, str]:
    """Return the facts that pages name most, each with what stands for it: « {{ supplier }} »."""
    return {
        "supplier": fact("name", "votre fournisseur"),
        "of_supplier": fact("name", "de votre fournisseur"),
        "opening": fact("opening", "l'ouverture du portail"),
        "platform_since": fact("platform_since", "la réforme"),
        "former_portal": fact("former_portal", "de votre fournisseur"),
        "former_closed": fact("former_closed", "quelque temps"),
        "former_prefixes": fact("former_prefixes", "d'autres lettres"),
        "portal_url": fact("portal_url", portal_url),
    }


def fact(name: str, otherwise: str) -> str:
    """Return the place of a fact of the supplier, and what a page says without it.

    Raises UnknownFactError.
    """
    return f'<span data-fact="{_known(name)}">{otherwise}</span>'


def with_fact(name: str) -> str:
    """Begin what a page says only where the fact is known; Raises UnknownFactError."""
    return f'<section data-if="{_known(name)}" data-search-exclude hidden markdown>'


def without_fact(name: str) -> str:
    """End that, and begin what the page says instead."""
    return f'{end_fact()}\n\n<section data-unless="{_known(name)}" markdown>'


def end_fact() -> str:
    return "</section>"


def _known(name: str) -> str:
    if name not in placeholders.FACTS:
        raise UnknownFactError(name)
    return name


def publisher() -> str:
    """Return who publishes the portal, as the settings name it."""
    name = settings()["PUBLISHER_NAME"]
    return f"**{name}**" if name else "l'éditeur du portail, que nomment ses factures"


def imprint() -> str:
    """Return who publishes and who hosts the portal, as Markdown; says so where it is not set."""
    said = {
        "Dénomination": settings()["PUBLISHER_NAME"],
        "Siège": settings()["PUBLISHER_SEAT"],
        "Immatriculation": settings()["PUBLISHER_RCS"],
        "Téléphone": settings()["PUBLISHER_PHONE"],
        "Responsable de la publication": settings()["PUBLISHER_DIRECTOR"],
        "Hébergeur": settings()["HOSTED_BY"],
    }
    lines = [f"- **{name}** : {value}" for name, value in said.items() if value]
    begin = f"Le portail {settings()['PORTAL_NAME']} et cette aide sont publiés par {publisher()}."
    return "\n".join([begin, "", *lines])


def recovery_mail_subject() -> str:
    return _mails().get_template("recovery/subject.txt").render().strip()


def password_rule() -> str:
    """Return the rule of the password as Markdown: what it needs, then what is refused."""
    length, *needed = messages.PASSWORD_RULES.values()
    refused = "\n".join(
        f"- « {messages.PASSWORD_FAULTS[name]} »" for name in ("common", "login", "name")
    )
    return (
        f"Le mot de passe doit contenir **{length}** dont {in_words(needed, 'et')}.\n\n"
        "Pour votre sécurité, le portail refuse aussi ce qui se devine trop facilement ; "
        f"il affiche alors l'un de ces messages :\n\n{refused}"
    )


class _Day(str):
    """A date of the mail that is not known yet."""

    def strftime(self, _format: str) -> str:
        return self


def activation_mail(*, portal_url: str, portal: str = "") -> str:
    """Return the activation mail as Markdown, its login highlighted, its addresses as links."""
    subject = _mail("subject", portal_url, opened_on=None, platform_since=None)
    body = "\n\n".join(_paragraphs_of_mail(portal_url))
    body = body.replace(f"    {EXAMPLE_LOGIN}", f"==**{EXAMPLE_LOGIN}**==")
    body = re.sub(r"(?<=\S)\n(?=\S)", "  \n", body)
    body = re.sub(
        rf"{re.escape(portal_url)}([\w/-]*)", functools.partial(_link_within, portal), body
    )
    return f'<div class="mail" markdown>\n\n**Objet : {subject}**\n\n{body}\n\n</div>'


def _paragraphs_of_mail(portal_url: str) -> Iterator[str]:
    """Yield the paragraphs, those that a date of the supplier changes with what stands for them."""
    opened, since = (_Day(fact(name, "")) for name in ("opened_on", "platform_since"))
    whole = _mail("body", portal_url, opened_on=opened, platform_since=since)
    undated = _mail("body", portal_url, opened_on=None, platform_since=since)
    before = _mail("body", portal_url, opened_on=opened, platform_since=None).split("\n\n")
    for said, otherwise in zip(whole.split("\n\n"), undated.split("\n\n"), strict=True):
        if said != otherwise:
            yield from (with_fact("opened_on"), said, without_fact("opened_on"), otherwise)
            yield end_fact()
        elif said not in before:
            yield from (with_fact("platform_since"), said, end_fact())
        else:
            yield said


def _mail(part: str, portal_url: str, **facts: object) -> str:
    template = _mails().get_template(f"activation/{part}.txt")
    return template.render(
        login=EXAMPLE_LOGIN,
        supplier_name=fact("name", "votre fournisseur"),
        signature=fact("signature", "L’équipe de votre fournisseur"),
        portal_url=portal_url,
        recovery_url=f"{portal_url}/recuperation",
        faq_url=portal_url + help_url("faq"),
        retention_months=settings()["RETENTION_MONTHS"],
        contact="",
        company_name="Durand Transports",
        client_number="100245",
        **facts,
    ).strip()


def _link_within(portal: str, address: re.Match[str]) -> str:
    shown = fact("portal_url", address[0].removesuffix(address[1])) + address[1]
    return f'<a href="{portal}{address[1] or "/"}">{shown}</a>'


def _mails() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(config.REPOSITORY / "templates" / "mails"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (plain text)
    )
    environment.filters["long_day"] = str
    environment.globals["portal_name"] = settings()["PORTAL_NAME"]
    return environment
