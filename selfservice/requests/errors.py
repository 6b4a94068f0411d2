"""Why something cannot be asked, or decided: typed, with the facts."""

from selfservice.requests.models import CustomerRequest


class NotAllowedError(Exception):
    """Only an administrator of the company asks for this, or only somebody who is none."""


class AlreadySoError(Exception):
    """The company has this address or mode already."""


class AlreadyOpenError(Exception):
    """The company has an undecided request of this kind."""


class UnknownDocumentError(Exception):
    """The reader may read no document of this number."""


class UnknownRequestError(Exception):
    """No request has this id, among those of the companies that are looked at."""


class DecisionError(Exception):
    """The `request` cannot be taken, accepted or refused now. `messages.explain` has the words."""

    def __init__(self, request: CustomerRequest) -> None:
        super().__init__(request.id)
        self.request = request


class DecidedError(DecisionError):
    """Somebody has decided before."""


class TakenError(DecisionError):
    """Somebody else has taken it before."""


class NotProvenError(DecisionError):
    """Nobody has opened the link mailed to the new address."""


class TooEarlyError(DecisionError):
    """The registered address has not objected yet, and may until `waits_until`."""


class UnseenObjectionError(DecisionError):
    """Somebody has objected, and who accepts has not seen it."""


class AskerGoneError(DecisionError):
    """Who asked is no administrator any more: accepting takes a reason of who has seen that."""


class ReasonMissingError(DecisionError):
    """A refusal, an answer, and a decision in spite of an objection need a reason."""
