"""What stops a whole deposit: typed, with the facts."""

from pathlib import Path


class DepositError(Exception):
    """Base of the family; messages.explain says it in French."""

    def __init__(self, path: Path, detail: str = "") -> None:
        super().__init__(path, detail)
        self.path = path
        self.detail = detail


class UnreadableFolderError(DepositError):
    """The folder is absent or cannot be listed; nothing was deposited."""


class UnreadableIndexError(DepositError):
    """index.csv cannot be used as a whole; nothing was deposited.

    `detail` is the sentence of files.CsvError.
    """


class SeveralIndexesError(DepositError):
    """The names in `detail` differ by their case only; nothing was deposited."""


class TooManyDocumentsError(DepositError):
    """More files than DEPOSIT_MAX_DOCUMENTS; nothing was deposited."""


class ReadersNotStartedError(DepositError):
    """No reader process can be started: the batch under way is not deposited."""


class RejectsNotWrittenError(DepositError):
    """rejets.csv could not be written; what could be deposited is."""


class DocumentsNotWrittenError(DepositError):
    """The documents' folder refuses or is full: the batch under way is not deposited."""
