"""Which supplier a visitor sees before signing in (FAQ 6)."""

from selfservice.suppliers.models import Supplier


def shown_before_sign_in(host: str) -> Supplier | None:
    """Return the supplier of a Host header, else the only supplier, else None.

    It only decides how the page looks: signing in opens the space of the login's own supplier.
    """
    for supplier in Supplier.select().where(Supplier.hostname == _name_of(host)):
        return supplier
    few: list[Supplier] = list(Supplier.select().limit(2))
    return few[0] if len(few) == 1 else None


def is_hostname(host: str) -> bool:
    """Say whether some supplier registered this Host name."""
    return bool(Supplier.select().where(Supplier.hostname == _name_of(host)).exists())


def _name_of(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower().rstrip(".")
