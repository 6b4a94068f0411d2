"""Why a mail did not leave: for good, for now, or because nothing can leave."""


class SendingError(Exception):
    """The mail did not leave; `answer` is the server's own words, `reason` one of ours.

    `is_mail_suspect`: the server refused the portal or fell silent in the middle of this mail,
    which may be why.
    """

    def __init__(self, answer: str, reason: str, *, is_mail_suspect: bool = False) -> None:
        super().__init__(answer)
        self.answer = answer
        self.reason = reason
        self.is_mail_suspect = is_mail_suspect


class RefusedError(SendingError):
    """For good: trying again cannot help."""


class DeferredError(SendingError):
    """For now: this mail may pass later."""


class UnreachableError(SendingError):
    """The server cannot be spoken to, or refuses the portal; no other mail would pass either."""
