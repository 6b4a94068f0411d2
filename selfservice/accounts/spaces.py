"""Which companies a login reads: its own, and those registered with the address that it proves."""

from typing import Any

from peewee import ModelSelect

from selfservice.accounts.models import SecondFactor, Space, User
from selfservice.db import FRENCH
from selfservice.suppliers.models import Company

ALL = "toutes"


class UnknownSpaceError(Exception):
    """The login reads no company of this client number."""


def companies_of(user: User) -> "ModelSelect[Company]":
    """Return the companies of a login, by name.

    These are the own company and, for a login created by activation, the same supplier's companies
    registered with its proven address. A typed address gives no right.
    """
    allowed = Company.id == user.company_id
    if user.is_from_activation and user.email_key:
        supplier_id = user.company.supplier_id
        allowed |= (Company.supplier == supplier_id) & (Company.email_key == user.email_key)
    return (
        Company.select()
        .where(allowed)
        .order_by(Company.name.collate(FRENCH), Company.client_number)
    )


def known_companies(user: Any) -> list[Company]:
    """Return `companies_of` a user, read once: the header and the page below ask for them."""
    if user.companies is None:
        user.companies = list(companies_of(user))
    found: list[Company] = user.companies
    return found


def readable_spaces(user: User) -> list[Space]:
    """Return the companies whose documents a login reads in its session, by name.

    Another company that demands the second factor needs a session that passed one. Setting it up
    ends the sessions opened without it, so that every session of who has one has passed it.
    """
    if not user.is_from_activation or not user.email_key or user.profile_id is not None:
        return [Space.of(user.company)]
    spaces = known_companies(user)
    if any(each.is_second_factor_required for each in spaces):
        has_factor = SecondFactor.select().where(SecondFactor.user == user).exists()
        spaces = [
            each
            for each in spaces
            if has_factor or each.id == user.company_id or not each.is_second_factor_required
        ]
    return [Space.of(company) for company in spaces]


def enter(user: Any, wanted: str) -> None:
    """Let a login read all its companies, the one of a client number, or by default its own.

    Raises UnknownSpaceError.
    """
    if not wanted:
        user.spaces = ()
        return
    spaces = readable_spaces(user)
    entered = [each for each in spaces if wanted in (ALL, each.client_number)]
    if not entered:
        raise UnknownSpaceError(wanted)
    user.spaces = tuple(entered)
