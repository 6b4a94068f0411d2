"""What can go wrong with a supplier or its register: typed, with the facts."""


class SupplierError(Exception):
    """Base of the family. `messages.explain` puts the facts into a French sentence."""

    def __init__(self, **facts: object) -> None:
        super().__init__(facts)
        self.facts = facts


class UnknownSupplierError(SupplierError):
    """No supplier has this `slug`."""


class NameRequiredError(SupplierError):
    """The supplier of this `slug` is new, and cannot be created without a name."""


class HostnameTakenError(SupplierError):
    """Another supplier has this `hostname`."""


class WrongValueError(SupplierError):
    """A `value` does not have the shape that its `field` needs."""


class WrongLogoError(SupplierError):
    """The file at `path` is no PNG, JPEG or WebP image, or is too heavy."""


class RegisterError(SupplierError):
    """The register at `path` as a whole cannot be imported; nothing has changed.

    `detail` is the sentence of files.CsvError.
    """
