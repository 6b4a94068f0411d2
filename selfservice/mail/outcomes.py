"""What features may follow: a mail that a server has accepted, and one that came back.

A receiver gets the `OutboxMail`, inside the transaction that notes what became of it.
"""

import logging

from blinker import NamedSignal, Namespace

from selfservice.db import FAULTS, database

_signals = Namespace()
mail_accepted = _signals.signal("mail-accepted")
mail_returned = _signals.signal("mail-returned")

log = logging.getLogger(__name__)


def tell(signal: NamedSignal, mail: object) -> None:
    """Let features follow; a fault of theirs must not have a mail sent twice."""
    try:
        with database.atomic():
            signal.send(mail)
    except FAULTS:
        raise
    except Exception:
        log.exception("%s %s", signal.name, mail)
