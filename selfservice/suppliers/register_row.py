"""One row of the register of companies: its columns and what each may hold."""

import re
from collections.abc import Callable

from selfservice.suppliers.addresses import address_key, is_address
from selfservice.suppliers.identifiers import compact_client_number, compact_vat_number
from selfservice.suppliers.models import DELIVERIES, NOTIFICATION_MODES

COLUMNS = (
    "client_number",
    "name",
    "siren",
    "vat_number",
    "email",
    "notification",
    "delivery",
)


class RowError(Exception):
    """A cell that cannot be taken; `code` names the fault, `facts` what its message needs."""

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts


def clean_row(cells: dict[str, str]) -> dict[str, str]:
    """Return the cells in the form they are stored in; raises RowError for the first bad one."""
    return {column: _CHECKS[column](cells[column].strip()) for column in COLUMNS if column in cells}


def _client_number(text: str) -> str:
    text = compact_client_number(text)
    if not text:
        raise RowError("no_client_number")
    if len(text) > 64 or not text.isprintable():
        raise RowError("client_number", value=text[:64])
    return text


def _name(text: str) -> str:
    name = " ".join(text.split())
    if len(name) > 200 or not name.isprintable():
        raise RowError("name")
    return name


def _siren(text: str) -> str:
    digits = re.sub(r"\s", "", text)
    if digits and not re.fullmatch(r"[0-9]{9}([0-9]{5})?", digits):
        raise RowError("siren", value=text)
    return digits


def _vat_number(text: str) -> str:
    number = compact_vat_number(text)
    if number and not re.fullmatch(r"[A-Z]{2}[A-Z0-9+*]{2,13}", number):
        raise RowError("vat_number", value=text)
    return number


def _email(text: str) -> str:
    # The comparable form may be longer than what was written: both have to fit.
    if text and (not is_address(text) or len(address_key(text)) > 320):
        raise RowError("email", value=text)
    return text


def _one_of(code: str, values: tuple[str, ...]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text and text.lower() not in values:
            raise RowError(code, value=text)
        return text.lower()

    return check


_CHECKS: dict[str, Callable[[str], str]] = {
    "client_number": _client_number,
    "name": _name,
    "siren": _siren,
    "vat_number": _vat_number,
    "email": _email,
    "notification": _one_of("notification", NOTIFICATION_MODES),
    "delivery": _one_of("delivery", DELIVERIES),
}
