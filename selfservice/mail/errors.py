"""Why a mail did not leave: for good, for now, or because nothing can leave."""


class SendingError(Exception):
    """The mail did not leave; `answer` is the server's own words, `reason` one of ours."""

    def __init__(self, answer: str, reason: str) -> None:
        super().__init__(answer)
        self.answer = answer
        self.reason = reason


class RefusedError(SendingError):
    """For good: trying again cannot help."""


class DeferredError(SendingError):
    """For now: this mail may pass later."""


class UnreachableError(SendingError):
    """The server cannot be spoken to, or refuses the portal; no other mail would pass either.

    `is_mail_suspect` is True where it did so in the middle of this mail, which may be why.
    """

    def __init__(self, answer: str, reason: str, *, is_mail_suspect: bool = False) -> None:
        super().__init__(answer, reason)
        self.is_mail_suspect = is_mail_suspect
