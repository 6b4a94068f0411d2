"""What features may follow: a mail that a server has accepted, and one that came back.

A receiver gets the `OutboxMail`, inside the transaction that notes what became of it.
"""

from blinker import Namespace

_signals = Namespace()
mail_accepted = _signals.signal("mail-accepted")
mail_returned = _signals.signal("mail-returned")
