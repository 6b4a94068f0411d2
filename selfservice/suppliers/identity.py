"""Which suppliers a visitor sees before signing in (FAQ 6)."""

from flask import current_app

from selfservice import config
from selfservice.suppliers.models import Supplier
from selfservice.suppliers.registration import all_suppliers


def shown_before_sign_in(host: str) -> Supplier | None:
    """Return the supplier of a Host header, else the only supplier, else None.

    In a demonstration, martin.localhost is the supplier « martin ».
    It only decides how the page looks: signing in opens the space of the login's own supplier.
    """
    for supplier in Supplier.select().where(Supplier.hostname == _name_of(host)):
        return supplier
    few: list[Supplier] = list(Supplier.select().limit(2))
    return few[0] if len(few) == 1 else _of_demonstration(_name_of(host))


def named_at(host: str) -> list[Supplier]:
    """Return the suppliers of whom a host may tell: its own alone, all where it has none."""
    shown = shown_before_sign_in(host)
    return [shown] if shown else list(all_suppliers())


def told_by_the_help(host: str) -> Supplier | None:
    """Return the supplier whose facts the help tells: the same; in a demonstration, else the first.

    Its loopback has no supplier before the sign-in, so that nobody is told to come from elsewhere.
    """
    shown = shown_before_sign_in(host)
    if shown is None and current_app.config["DEMO"] and _name_of(host) in config.LOOPBACK:
        first: Supplier | None = Supplier.select().order_by(Supplier.id).first()
        return first
    return shown


def is_hostname(host: str) -> bool:
    """Say whether some supplier registered this Host name."""
    name = _name_of(host)
    is_registered = Supplier.select().where(Supplier.hostname == name).exists()
    return bool(is_registered or _of_demonstration(name))


def _of_demonstration(name: str) -> Supplier | None:
    slug, is_local = name.removesuffix(".localhost"), name.endswith(".localhost")
    if not (is_local and current_app.config["DEMO"]):
        return None
    return Supplier.get_or_none(Supplier.slug == slug)


def _name_of(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower().rstrip(".")
