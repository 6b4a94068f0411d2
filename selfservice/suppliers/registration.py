"""Creating and changing suppliers (`suppliers set`), and finding one by its slug."""

import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypedDict, Unpack

from peewee import IntegrityError, ModelSelect

from selfservice import audit
from selfservice.db import database
from selfservice.suppliers import logos
from selfservice.suppliers.addresses import is_address
from selfservice.suppliers.errors import (
    HostnameTakenError,
    NameRequiredError,
    UnknownSupplierError,
    WrongValueError,
)
from selfservice.suppliers.identifiers import compact_digits
from selfservice.suppliers.models import DESK, Company, Supplier
from selfservice.texts import one_form

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class SupplierChanges(TypedDict, total=False):
    """What may be set. None leaves a value alone; an empty text removes it."""

    name: str | None
    siren: str | None
    hostname: str | None
    opened_on: date | None
    platform_since: date | None
    colour: str | None
    logo: Path | None
    contact_name: str | None
    phone: str | None
    mail: str | None
    hours: str | None
    signature: str | None
    former_portal: str | None
    former_closed_on: date | str | None
    former_prefixes: str | None


def get_supplier(slug: str) -> Supplier:
    """Return the supplier of a slug; raises UnknownSupplierError."""
    if not SLUG.fullmatch(slug):
        raise UnknownSupplierError(slug=slug)
    supplier: Supplier | None = Supplier.get_or_none(Supplier.slug == slug)
    if supplier is None:
        raise UnknownSupplierError(slug=slug)
    return supplier


def is_known(slug: str) -> bool:
    return bool(Supplier.select().where(Supplier.slug == slug).exists())


def all_suppliers() -> "ModelSelect[Supplier]":
    return Supplier.select().order_by(Supplier.slug)


def companies_of(supplier: Supplier) -> "ModelSelect[Company]":
    """Return the companies of a supplier by client number, its own desk left out."""
    customers = Company.select().where(Company.supplier == supplier, Company.client_number != DESK)
    return customers.order_by(Company.client_number)


def set_supplier(slug: str, **changes: Unpack[SupplierChanges]) -> tuple[Supplier, bool]:
    """Create or update a supplier and say whether it was created.

    Raises NameRequiredError, WrongValueError, WrongLogoError or HostnameTakenError, and then
    nothing has changed.
    """
    values = _checked(slug, dict(changes))
    with database.atomic():
        supplier = Supplier.get_or_none(Supplier.slug == slug)
        is_new = supplier is None
        if is_new and not values.get("name"):
            raise NameRequiredError(slug=slug)
        supplier = _save(supplier or Supplier(slug=slug), values)
        audit.record(
            "supplier.created" if is_new else "supplier.changed",
            actor="system",
            supplier=slug,
            fields=", ".join(sorted(values)),
        )
    return supplier, is_new


def _save(supplier: Supplier, values: dict[str, Any]) -> Supplier:
    for field, value in values.items():
        setattr(supplier, field, value)
    try:
        with database.atomic():
            supplier.save()
    except IntegrityError as error:
        raise HostnameTakenError(hostname=supplier.hostname) from error
    return supplier


def _checked(slug: str, changes: dict[str, Any]) -> dict[str, Any]:
    if not SLUG.fullmatch(slug):
        raise WrongValueError(field="slug", value=slug)
    given = {field: value for field, value in changes.items() if value is not None}
    logo = given.pop("logo", None)
    values = {field: _CHECKS[field](field, value) for field, value in given.items()}
    return values | ({"logo_sha256": logos.store(logo)} if logo else {})


def _text(maximum: int) -> Callable[[str, Any], str]:
    def check(field: str, value: str) -> str:
        text = one_form(value)
        if len(text) > maximum or not text.isprintable() or (field == "name" and not text):
            raise WrongValueError(field=field, value=value)
        return text

    return check


def _phone(field: str, value: str) -> str:
    text = _text(40)(field, value)
    if text and not re.fullmatch(r"[+(]?[0-9][0-9 .()/-]+", text):
        raise WrongValueError(field=field, value=value)
    return text


def _mail(field: str, value: str) -> str:
    text = one_form(value)
    if text and not is_address(text):
        raise WrongValueError(field=field, value=value)
    return text


def _siren(field: str, value: str) -> str | None:
    digits = compact_digits(value)
    if digits and not re.fullmatch(r"[0-9]{9}", digits):
        raise WrongValueError(field=field, value=value)
    return digits or None


def _hostname(field: str, value: str) -> str | None:
    host = one_form(value).lower().rstrip(".")
    label = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    if host and (len(host) > 253 or not re.fullmatch(rf"{label}(\.{label})*", host)):
        raise WrongValueError(field=field, value=value)
    return host or None


def _day(field: str, value: date | str) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date) or not value:
        return value or None
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise WrongValueError(field=field, value=value) from error


def _month(field: str, value: date | str) -> date | None:
    if re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", str(value)):
        return date.fromisoformat(f"{value}-01")
    return _day(field, value)


def _prefixes(field: str, value: str) -> str:
    prefixes = [each for each in re.split(r"[,; ]+", one_form(value)) if each]
    # One letter or two alone would be the beginning of half of all logins.
    if not all(re.fullmatch(r"[A-Za-z0-9]{1,20}[-_.]", each) for each in prefixes):
        raise WrongValueError(field=field, value=value)
    return _text(200)(field, ",".join(prefixes))


def _colour(field: str, value: str) -> str:
    colour = one_form(value).lower()
    if not re.fullmatch(r"#[0-9a-f]{6}", colour):
        raise WrongValueError(field=field, value=value)
    return colour


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "name": _text(200),
    "siren": _siren,
    "hostname": _hostname,
    "opened_on": _day,
    "platform_since": _day,
    "colour": _colour,
    "contact_name": _text(200),
    "phone": _phone,
    "mail": _mail,
    "hours": _text(200),
    "signature": _text(200),
    "former_portal": _text(200),
    "former_closed_on": _month,
    "former_prefixes": _prefixes,
}
