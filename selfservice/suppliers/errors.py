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
    """The register as a whole cannot be imported; nothing has changed."""


class UnreadableRegisterError(RegisterError):
    """The file is absent or cannot be opened."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class MalformedRegisterError(RegisterError):
    """A `line` cannot be read as CSV."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(path=path, line=line)


class RegisterNotUtf8Error(RegisterError):
    """The file is not UTF-8 text."""

    def __init__(self, path: Path) -> None:
        super().__init__(path=path)


class WrongColumnsError(RegisterError):
    """`columns` are wrong in one way; `problem` is a key of messages.COLUMN_PROBLEMS."""

    def __init__(self, problem: str, columns: list[str]) -> None:
        super().__init__(problem=problem, columns=", ".join(columns))
