"""What can go wrong with a supplier or its register: typed, with the facts."""

from pathlib import Path


class SupplierError(Exception):
    """Base of the family; `facts` hold what its message needs (messages.explain)."""

    def __init__(self, **facts: object) -> None:
        super().__init__(facts)
        self.facts = facts


class UnknownSupplierError(SupplierError):
    """No supplier has this `slug`."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug=slug)


class NameRequiredError(SupplierError):
    """A supplier cannot be created without a name."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug=slug)


class HostnameTakenError(SupplierError):
    """Another supplier has this `hostname`."""

    def __init__(self, hostname: str) -> None:
        super().__init__(hostname=hostname)


class WrongValueError(SupplierError):
    """A `value` does not have the shape its `field` needs."""

    def __init__(self, field: str, value: str) -> None:
        super().__init__(field=field, value=value)


class WrongLogoError(SupplierError):
    """The file is no PNG, JPEG or WebP image, or too heavy."""

    def __init__(self, path: Path) -> None:
        super().__init__(path=path)


class RegisterError(SupplierError):
    """The register as a whole cannot be imported; nothing has changed.

    `problem` is that of files.CsvError and a key of messages.REGISTER_PROBLEMS.
    """

    def __init__(self, path: Path, problem: str, detail: str) -> None:
        super().__init__(path=path, detail=detail)
        self.problem = problem
