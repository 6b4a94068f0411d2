"""Contract profiles: the contracts (BT-12) that some users of a company may read (FAQ 13)."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from peewee import IntegrityError, ModelSelect, fn, prefetch

from selfservice import audit, ratelimit
from selfservice.accounts.models import Profile, ProfileContract, User
from selfservice.accounts.spaces import companies_of
from selfservice.administration.companies import NotFoundError, lock_company, require_as_shown
from selfservice.db import FRENCH, database
from selfservice.invoices.queries import MAX_ID, billed_contracts
from selfservice.suppliers.models import Company

MAX_CONTRACTS = 1000
MAX_PROFILES = 500  # of a company, as many as users: some pages offer all of them
MAX_COMPANY_CONTRACTS = 5000  # over all its profiles: the list of them shows each
OFFERED_CONTRACTS = 200  # as boxes on one page
NAME_LENGTH = 100
CONTRACT_LENGTH = 100


class UnknownProfileError(NotFoundError):
    """The administrator's companies have no such profile."""


class ForeignProfileError(Exception):
    """The profile is not one of the user's company."""


class LimitedAdministratorError(Exception):
    """An administrator adds users who read everything, so a profile would limit nothing."""


class ProfileNameTakenError(Exception):
    """The company has a profile of this name."""


class ProfilesFullError(Exception):
    """The company would have more than MAX_PROFILES, or MAX_COMPANY_CONTRACTS in them."""


class ProfileInUseError(Exception):
    """Users have the profile: without it, they would read everything."""


def profiles_of(administrator: User) -> list[Profile]:
    """Return the profiles of the administrator's companies, by company and name.

    Each carries its `contracts`, sorted, and as `user_count` how many users have it.
    """
    users = User.select(fn.COUNT(User.id)).where(
        User.profile == Profile.id, User.closed_at.is_null()
    )
    profiles = profiles_to_offer(administrator).select_extend(users.alias("user_count"))
    return _with_contracts(profiles)


def profiles_to_offer(administrator: User) -> "ModelSelect[Profile]":
    """Return the profiles of the administrator's companies by name alone, as `profiles_of`."""
    return (
        Profile.select(Profile, Company)
        .join(Company)
        .where(Profile.company.in_(list(companies_of(administrator))))
        .order_by(Company.name.collate(FRENCH), Company.client_number, Profile.name.collate(FRENCH))
    )


def _with_contracts(profiles: "ModelSelect[Profile]") -> list[Profile]:
    contracts = ProfileContract.select().order_by(ProfileContract.contract)
    found: list[Profile] = prefetch(profiles, contracts)
    return found


def find_profile(administrator: User, profile_id: int) -> Profile:
    """Return a profile of the administrator's companies. Raises UnknownProfileError."""
    wanted = Profile.id == min(profile_id, MAX_ID)
    for profile in _with_contracts(profiles_to_offer(administrator).where(wanted)):
        return profile
    raise UnknownProfileError(profile_id)


def contracts_to_offer(companies: Iterable[Company]) -> dict[int, list[str]]:
    """Return the contracts of each company as boxes, unless they are too many for one page."""
    offered = {
        company.id: billed_contracts(company.id, limit=OFFERED_CONTRACTS + 1)
        for company in companies
    }
    return offered if sum(map(len, offered.values())) <= OFFERED_CONTRACTS else {}


def contracts_of(user: User) -> list[str]:
    """Return the contracts of a user's profile, sorted."""
    query = ProfileContract.select().where(ProfileContract.profile == user.profile_id)
    return sorted(each.contract for each in query)


def users_with(profile: Profile) -> "ModelSelect[User]":
    return (
        User.select()
        .where(User.profile == profile, User.closed_at.is_null())
        .order_by(User.login_key)
    )


def check_grant(company_id: int, profile_id: int | None, *, is_administrator: bool) -> None:
    """Check a profile against the company and the role of the user who is to have it.

    Raises ForeignProfileError or LimitedAdministratorError.
    """
    if profile_id is None:
        return
    if not Profile.select().where(Profile.id == profile_id, Profile.company == company_id).exists():
        raise ForeignProfileError(profile_id)
    if is_administrator:
        raise LimitedAdministratorError


def count_change(administrator: User, company_id: int) -> None:
    """Count a change of a company's profiles; call outside any transaction.

    Nobody else writes while a thousand contracts are written, and the journal keeps their list: a
    company's administrators, who may be 500, have one limit together, its owner aside. Raises
    LimitReachedError.
    """
    ratelimit.hit("profiles", administrator.counts_for(company_id))


def add_profile(
    administrator: User, company_id: int, *, name: str, contracts: Sequence[str], origin: str
) -> Profile:
    """Define a profile.

    Raises ForeignCompanyError, ProfileNameTakenError, ProfilesFullError or LimitReachedError.
    """
    count_change(administrator, company_id)
    try:
        with database.atomic():
            lock_company(administrator, company_id)
            return _create(administrator, company_id, name, contracts, origin)
    except IntegrityError as error:
        raise ProfileNameTakenError(name) from error


def profile_with(
    administrator: User, company_id: int, contracts: Sequence[str], *, origin: str
) -> Profile:
    """Return the company's profile of just these contracts; make it, named after them, if none.

    Call inside the transaction that locks the company. Raises ProfilesFullError.
    """
    profiles = _with_contracts(
        profiles_to_offer(administrator).where(Profile.company == company_id)
    )
    for profile in profiles:
        if {each.contract for each in profile.contracts} == set(contracts):
            return profile
    stem = name = ", ".join(contracts)[:NAME_LENGTH]
    taken, number = {profile.name for profile in profiles}, 2
    while name in taken:
        suffix = f" ({number})"
        name, number = stem[: NAME_LENGTH - len(suffix)] + suffix, number + 1
    return _create(administrator, company_id, name, contracts, origin)


def content_of(profile: Profile) -> tuple[object, ...]:
    """Return what a profile found here is called, and holds, now."""
    return profile.name, [each.contract for each in profile.contracts]


def edit_profile(
    administrator: User,
    profile_id: int,
    *,
    name: str,
    contracts: Sequence[str],
    seen: str = "",
    origin: str,
) -> None:
    """Rename a profile and replace its contracts, for all its users at once.

    `seen` is what the page showed of `content_of` the profile. Raises UnknownProfileError,
    ProfileNameTakenError, ProfilesFullError, ChangedMeanwhileError or LimitReachedError.
    """
    try:
        with _claimed(administrator, profile_id) as profile:
            require_as_shown(seen, *content_of(profile))
            Profile.update(name=name).where(Profile.id == profile.id).execute()
            ProfileContract.delete().where(ProfileContract.profile == profile).execute()
            _write_contracts(profile, contracts)
            profile.name = name
            _record("profile.edited", administrator, profile, origin, contracts)
    except IntegrityError as error:
        raise ProfileNameTakenError(name) from error


def remove_profile(administrator: User, profile_id: int, *, origin: str) -> None:
    """Remove a profile that no user has.

    Raises UnknownProfileError, ProfileInUseError or LimitReachedError.
    """
    try:
        with _claimed(administrator, profile_id) as profile:
            # A closed login reads nothing, but would keep its profile from being removed.
            User.update(profile=None).where(
                User.profile == profile, User.closed_at.is_null(False)
            ).execute()
            Profile.delete().where(Profile.id == profile.id).execute()
            _record("profile.removed", administrator, profile, origin, [])
    except IntegrityError as error:
        raise ProfileInUseError(profile_id) from error


@contextmanager
def _claimed(administrator: User, profile_id: int) -> Iterator[Profile]:
    """Count a change of a profile, and open its transaction."""
    company_id = find_profile(administrator, profile_id).company_id
    count_change(administrator, company_id)
    with database.atomic():
        lock_company(administrator, company_id)
        yield find_profile(administrator, profile_id)  # read again: now nobody else changes it


def _create(
    administrator: User, company_id: int, name: str, contracts: Sequence[str], origin: str
) -> Profile:
    profile: Profile = Profile.create(company=company_id, name=name)
    _write_contracts(profile, contracts)
    _record("profile.added", administrator, profile, origin, contracts)
    return profile


def _write_contracts(profile: Profile, contracts: Sequence[str]) -> None:
    held = ProfileContract.select().join(Profile).where(Profile.company == profile.company_id)
    profiles = Profile.select().where(Profile.company == profile.company_id)
    is_full = held.count() + len(contracts) > MAX_COMPANY_CONTRACTS
    if is_full or profiles.count() > MAX_PROFILES:
        raise ProfilesFullError(profile.company_id)
    ProfileContract.insert_many(
        [{"profile": profile.id, "contract": contract} for contract in contracts]
    ).execute()


def _record(
    event: str, administrator: User, profile: Profile, origin: str, contracts: Sequence[str]
) -> None:
    audit.record(
        event,
        company_id=profile.company_id,
        actor=administrator.login,
        origin=origin,
        profile=profile.name,
        contracts=", ".join(contracts),
    )
