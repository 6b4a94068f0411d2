"""Why a document is not deposited: a code, its facts and, for `rejets.csv`, a sentence."""

from collections.abc import Callable
from functools import partial

from selfservice.deposits.messages import REFUSALS


class RefusalError(Exception):
    """One reason for one file; raised by the checks, kept in the report.

    `code` is a key of messages.REFUSALS, `facts` what its sentence needs.
    """

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts

    def __reduce__(self) -> tuple[Callable[[], "RefusalError"], tuple[()]]:
        return partial(RefusalError, self.code, **self.facts), ()  # it comes from another process

    @property
    def reason(self) -> str:
        """Return the sentence on one line, whatever the document put into its facts."""
        sentence = REFUSALS[self.code].format(**self.facts)
        return "".join(each if each.isprintable() else " " for each in sentence)
