"""The sender of an envelope, signed for one sending of one mail (« VERP »).

A server returns a mail to this address. Whoever writes to it shows to have got that very mail: the
signature is made of the secret key, the mail, its sending and its recipient.
"""

import hmac
import re
from base64 import b32encode
from collections.abc import Iterator
from typing import NamedTuple

from flask import current_app

SIGNATURE_BYTES = 10  # 16 letters and digits, whatever the case a server writes them in
MAX_TRIED = 20  # of what looks like a signed address in one returned mail
_SIGNED = re.compile(r"\+(\d{1,9})-(\d{1,4})-([a-z2-7]{16})@", re.IGNORECASE)


class Claim(NamedTuple):
    """What an address says of itself; `is_of` tells whether it is true."""

    mail_id: int
    sending: int
    signature: str

    def is_of(self, address_key: str) -> bool:
        """Tell whether the portal signed this for a recipient, with this key or a former one."""
        settings = current_app.config
        return any(
            hmac.compare_digest(self.signature, _sign(self.mail_id, self.sending, address_key, key))
            for key in (settings["SECRET_KEY"], *settings["SECRET_KEY_FALLBACKS"])
        )


def signed(address: str, *, mail_id: int, sending: int, address_key: str) -> str:
    """Return « facture+1042-0-signature@example.com » for one sending, counted from 0."""
    local, _, domain = address.rpartition("@")
    signature = _sign(mail_id, sending, address_key, current_app.config["SECRET_KEY"])
    return f"{local}+{mail_id}-{sending}-{signature}@{domain}"


def claims(text: str) -> Iterator[Claim]:
    """Yield what each signed address in a text says, each once, the first ones only."""
    found = (match.groups() for match in _SIGNED.finditer(text))
    told = dict.fromkeys(Claim(int(mail), int(nth), sign.lower()) for mail, nth, sign in found)
    yield from list(told)[:MAX_TRIED]


def _sign(mail_id: int, sending: int, address_key: str, key: str) -> str:
    words = f"returned mail {mail_id} {sending} {address_key}"
    digest = hmac.digest(key.encode(), words.encode(), "sha256")
    return b32encode(digest[:SIGNATURE_BYTES]).decode().lower()
