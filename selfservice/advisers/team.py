"""The supplier's staff: `advisers add`, `advisers list`, `advisers close`."""

from peewee import IntegrityError, ModelSelect

from selfservice import audit, clock
from selfservice.accounts import activation
from selfservice.accounts.models import User
from selfservice.accounts.users import UnknownLoginError, all_users
from selfservice.db import database
from selfservice.suppliers.addresses import address_key, is_address, is_like_a_link, normalise
from selfservice.suppliers.models import DESK, Company, Supplier
from selfservice.texts import one_form

DESK_NAME = "Conseillers clientèle"
MAX_LENGTH = 320


class WrongLoginError(Exception):
    """The login is empty, too long, or holds a space, « : » or « / »."""


class WrongAddressError(Exception):
    """This is no mail address."""


class LoginTakenError(Exception):
    """A user of the portal, perhaps a closed one, has this login."""


def all_advisers() -> "ModelSelect[User]":
    """Return every adviser, closed ones included, by supplier and login."""
    return all_users().where(Company.client_number == DESK)


def add_adviser(supplier: Supplier, login: str, *, email: str) -> User:
    """Add an adviser without password: it is chosen by recovery, with this address.

    Raises WrongLoginError, WrongAddressError or LoginTakenError.
    """
    login, email = one_form(login), one_form(email)
    longest = max(len(login), len(normalise(login)))  # « ﬃ » is one letter, and three to compare
    if not login or longest > MAX_LENGTH or " " in login or is_like_a_link(login):
        raise WrongLoginError(login)
    if not is_address(email) or len(address_key(email)) > MAX_LENGTH:
        raise WrongAddressError(email)
    try:
        with database.atomic():
            adviser: User = User.create(
                company=_desk_of(supplier),
                login=login,
                login_key=normalise(login),
                email=email,
                email_key=address_key(email),
                created_at=clock.now(),
            )
            audit.record_of("adviser.added", adviser, actor="system")
    except IntegrityError as error:
        raise LoginTakenError(login) from error
    return adviser


def close_adviser(login: str) -> User:
    """Close the login of an adviser at once. Raises UnknownLoginError."""
    adviser: User | None = all_advisers().where(User.login_key == normalise(login)).get_or_none()
    if adviser is None:
        raise UnknownLoginError(login)
    with database.atomic():
        activation.close(adviser, reason="closed by the operator")
    return adviser


def _desk_of(supplier: Supplier) -> Company:
    """Return the company of a supplier's advisers: it demands the second factor of each."""
    desk: Company
    desk, _ = Company.get_or_create(
        supplier=supplier,
        client_number=DESK,
        defaults={"name": DESK_NAME, "is_second_factor_required": True},
    )
    return desk
