"""What an administrator decides about the second factor in own companies."""

from collections.abc import Collection

from peewee import chunked

from selfservice import audit
from selfservice.accounts import passwords, second_factor
from selfservice.accounts.models import SecondFactor, User
from selfservice.accounts.spaces import companies_of
from selfservice.administration.companies import (
    NotFoundError,
    lock_companies,
    lock_company,
    require_as_shown,
)
from selfservice.administration.users import users_of
from selfservice.db import database
from selfservice.invoices.queries import BATCH
from selfservice.suppliers.models import Company


class NoSuchUserError(NotFoundError):
    """There is no such user whose second factor this administrator may remove."""


def second_factors_of(administrator: User) -> dict[int, SecondFactor]:
    """Return the second factors of the users of the administrator's companies, by user."""
    users = users_of(administrator)
    factors = SecondFactor.select().where(SecondFactor.user.in_(list(users)))
    return {factor.user_id: factor for factor in factors}


def demands_of(administrator: User) -> list[tuple[int, bool]]:
    """Return the administrator's companies by id, each with whether it demands it."""
    return [(each.id, each.is_second_factor_required) for each in companies_of(administrator)]


def demand(
    administrator: User, company_ids: Collection[int], *, seen: str = "", origin: str
) -> None:
    """Demand the second factor in these of the administrator's companies, and in them only.

    `seen` is what the page showed of `demands_of` the administrator. Raises
    NoLongerAdministratorError or ChangedMeanwhileError.
    """
    wanted = set(company_ids)
    found = demands_of(administrator)
    require_as_shown(seen, *found)
    if all(is_so == (each in wanted) for each, is_so in found):
        return  # said again and again, it would keep everybody from writing
    with database.atomic():
        lock_companies(administrator, [each for each, _ in found])
        found = demands_of(administrator)
        require_as_shown(seen, *found)
        demanded = [each for each, is_so in found if not is_so and each in wanted]
        optional = [each for each, is_so in found if is_so and each not in wanted]
        for is_required, changed in ((True, demanded), (False, optional)):
            for batch in chunked(changed, BATCH):
                Company.update(is_second_factor_required=is_required).where(
                    Company.id.in_(batch)
                ).execute()
        _record("second_factor.demanded", administrator, demanded, origin)
        _record("second_factor.made_optional", administrator, optional, origin)


def remove_second_factor(administrator: User, user_id: int, *, current: str, origin: str) -> User:
    """Remove the second factor of an added user who lost phone and codes, and return the user.

    `current` is the administrator's own password. For a login created by activation, only the
    operator may do it. Raises NoSuchUserError, WrongPasswordError or NoLongerAdministratorError.
    """
    user: User | None = (
        users_of(administrator)
        .where(User.id == user_id, User.id != administrator.id, ~User.is_from_activation)
        .get_or_none()
    )
    if user is None:
        raise NoSuchUserError(user_id)
    passwords.confirm(administrator, current, origin=origin)
    try:
        with database.atomic():
            lock_company(administrator, user.company_id)
            second_factor.remove(user, by=administrator, origin=origin)
    except second_factor.NotSetUpError as error:
        raise NoSuchUserError(user_id) from error
    return user


def _record(event: str, administrator: User, company_ids: list[int], origin: str) -> None:
    audit.record_in_each(event, administrator, {each: {} for each in company_ids}, origin=origin)
