"""Which companies a login reads: its own, and those registered with the address that it proves."""

from typing import Any

from peewee import ModelSelect, fn

from selfservice.accounts.models import Activation, SecondFactor, Space, User
from selfservice.db import FRENCH
from selfservice.suppliers.models import Company

ALL = "toutes"


class UnknownSpaceError(Exception):
    """The login reads no company of this client number."""


def companies_of(user: User) -> "ModelSelect[Company]":
    """Return the companies of a login, by name.

    These are the own company and, for a login created by activation, the same supplier's companies
    registered with its proven address, each from the deposit on that activated the address there,
    or reopened its login: until then the change can be taken back. Where somebody has closed that
    login, the company is read by no other. A typed address gives no right.
    Another company that demands the second factor is neither read nor administered without one.
    Setting it up ends the sessions opened without it, so that every session of who has one has
    passed it.
    """
    allowed = Company.id == user.company_id
    if user.is_from_activation and user.email_key:
        registered = (Company.supplier == user.company.supplier_id) & (
            Company.email_key == user.email_key
        )
        is_activated = fn.EXISTS(
            Activation.in_force().where(
                Activation.company == Company.id, Activation.email_key == user.email_key
            )
        )
        has_factor = fn.EXISTS(SecondFactor.select().where(SecondFactor.user == user))
        allowed |= registered & is_activated & (~Company.is_second_factor_required | has_factor)
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
    """Return the companies whose documents a login reads, by name."""
    if not user.is_from_activation or not user.email_key or user.profile_id is not None:
        return [Space.of(user.company)]
    return [Space.of(company) for company in known_companies(user)]


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
