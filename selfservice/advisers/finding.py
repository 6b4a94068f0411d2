"""What an adviser types to find a customer: any number, name or address that the caller knows."""

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from selfservice.accounts.models import User
from selfservice.advisers.companies import companies_of
from selfservice.invoices.models import Invoice
from selfservice.suppliers.addresses import address_key, normalise, pasted
from selfservice.suppliers.identifiers import compact_digits
from selfservice.suppliers.models import Company
from selfservice.texts import identifier, squeezed

MAX_TYPED = 200
MAX_FOUND = 50
MAX_WORDS = 8  # each is looked for in every company
SIREN_LENGTH = 9


@dataclass(frozen=True)
class Found:
    """Companies by name, the first MAX_FOUND of them."""

    companies: list[Company]
    has_more: bool = False


def find(adviser: User, typed: str) -> Found:
    """Return the adviser's companies that what is typed names.

    A whole client number, document number, SIREN or address wins; else parts of these, of the name
    or of a login, in any order, accents and case aside.
    """
    text = identifier(typed[:MAX_TYPED])
    if not squeezed(text):
        return Found([])
    for condition in (_is_whole(adviser, text), _is_part(text)):
        # It begins with the name. French order would take thousands half a second.
        ordered = companies_of(adviser).where(condition).order_by(Company.search_key)
        found = list(ordered.limit(MAX_FOUND + 1))
        if found:
            return Found(found[:MAX_FOUND], has_more=len(found) > MAX_FOUND)
    return Found([])


def _is_whole(adviser: User, text: str) -> Any:
    forms = {text, text.upper(), text.lower(), text.replace(" ", "")}
    documents = Invoice.select(Invoice.company).where(
        Invoice.supplier == adviser.company.supplier_id, Invoice.number.in_(forms)
    )
    found = Company.client_number.in_(forms) | Company.id.in_(documents)
    if len(digits := compact_digits(text)) >= SIREN_LENGTH and digits.isdigit():
        found |= Company.siren.startswith(digits[:SIREN_LENGTH])
    if "@" in text:
        key = address_key(pasted(text))
        users = User.select(User.company).where(User.email_key == key)
        found |= (Company.email_key == key) | Company.id.in_(users)
    if not text.replace(" ", "").isalpha():  # « durand » is a name before it is a login
        users = User.select(User.company).where(User.login_key == normalise(text))
        found |= Company.id.in_(users)
    return found


def _is_part(text: str) -> Any:
    words = [key for key in map(squeezed, text.split()) if key][:MAX_WORDS]
    users = User.select(User.company).where(
        User.login_key.contains(normalise(text)) | User.email_key.contains(text.lower())
    )
    return (
        Company.search_key.contains(squeezed(text))
        | reduce(and_, [Company.search_key.contains(word) for word in words])
        | Company.id.in_(users)
    )
