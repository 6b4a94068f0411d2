"""Why a document is not deposited: a code, its facts and, for `rejets.csv`, a sentence."""

from collections.abc import Callable
from functools import partial

from selfservice.deposits.messages import REFUSALS

MAX_FACT = 500  # characters, whatever a document holds: a folder has thousands of them


class RefusalError(Exception):
    """One reason for one file; raised by the checks, kept in the report.

    `code` is a key of messages.REFUSALS, `facts` what its sentence needs.
    """

    def __init__(self, code: str, **facts: str | int) -> None:
        cut = {
            name: fact[:MAX_FACT] if isinstance(fact, str) else fact for name, fact in facts.items()
        }
        super().__init__(code, cut)
        self.code = code
        self.facts = cut

    def __reduce__(self) -> tuple[Callable[[], "RefusalError"], tuple[()]]:
        return partial(RefusalError, self.code, **self.facts), ()  # it comes from another process

    @property
    def reason(self) -> str:
        """Return the sentence on one line, whatever the document put into its facts."""
        sentence = REFUSALS[self.code].format(**self.facts)
        return "".join(each if each.isprintable() else " " for each in sentence)
