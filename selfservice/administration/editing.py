"""How an administrator changes, gives a password to, or removes a user (FAQ 13)."""

from dataclasses import asdict, dataclass
from typing import Any

from selfservice import audit, clock, ratelimit
from selfservice.accounts import passwords, recovery, sessions
from selfservice.accounts.models import SecondFactor, User
from selfservice.accounts.users import active_administrators, store_given_password
from selfservice.administration.companies import lock_company, require_as_shown
from selfservice.administration.contract_profiles import (
    check_grant,
    contracts_of,
    count_change,
    profile_with,
)
from selfservice.administration.users import find_user, recovery_address
from selfservice.db import database
from selfservice.invoices.models import Opening
from selfservice.suppliers.addresses import address_key


class ProtectedLoginError(Exception):
    """The login is the administrator's own, or was created by activation."""


class LastAdministratorError(Exception):
    """The company would be left without an active administrator."""


@dataclass(frozen=True, kw_only=True)
class Coordinates:
    last_name: str
    first_name: str
    phone: str
    mobile: str


@dataclass(frozen=True, kw_only=True)
class Access:
    """The rights of a login, and the address that receives its recovery links.

    `contracts` are those to read, by a profile found or made; none, and `profile_id` decides.
    """

    email: str
    is_active: bool
    is_administrator: bool
    profile_id: int | None
    contracts: tuple[str, ...] = ()


def is_protected(administrator: User, user: User) -> bool:
    """Tell whether this administrator may not change the access and password of a login.

    These are the administrator's own login, and those created by activation, whose right comes from
    the supplier's register.
    """
    return bool(user.is_from_activation) or user.id == administrator.id


def rights_of(user: User) -> tuple[object, ...]:
    """Return what `Access` decides, as it is now."""
    return user.email, user.is_active, user.is_administrator, user.profile_id, contracts_of(user)


def edit_user(
    administrator: User,
    user_id: int,
    coordinates: Coordinates,
    access: Access | None,
    *,
    current: str = "",
    seen: str = "",
    origin: str,
) -> None:
    """Change a user; an `access` of None stays as it is.

    `seen` is what the page showed of `rights_of` the user. Another address needs `current`, the
    administrator's own password. Sessions end when a right is withdrawn, recovery links when the
    address changes. Raises UnknownUserError, WrongPasswordError, ProtectedLoginError,
    LastAdministratorError, ForeignProfileError, LimitedAdministratorError, ChangedMeanwhileError
    or LimitReachedError.
    """
    known = find_user(administrator, user_id)
    if access is not None and recovery_address(known.login, access.email) != known.email:
        if is_protected(administrator, known):
            raise ProtectedLoginError(user_id)
        passwords.confirm(administrator, current, origin=origin)
    if access is not None and access.contracts:
        count_change(administrator, known.company_id)
    with database.atomic():
        user = _claim(administrator, user_id)
        wanted: dict[str, Any] = asdict(coordinates)
        if access is not None:
            require_as_shown(seen, *rights_of(user))
            wanted |= _checked(access, administrator, user, origin=origin)
        changes = {name: value for name, value in wanted.items() if getattr(user, name) != value}
        if not changes:
            return
        User.update(**changes).where(User.id == user.id).execute()
        _keep_an_administrator(user)
        if "email_key" in changes:
            recovery.end_links(user)
        if False in (changes.get("is_active"), changes.get("is_administrator")):
            sessions.end_all(user)
        _record_changes(administrator, user, changes, origin)


def give_password(
    administrator: User, user_id: int, password: str, *, current: str, origin: str
) -> None:
    """Set a password that the administrator chose and hands over.

    `current` is the administrator's own. Raises UnknownUserError, WrongPasswordError,
    ProtectedLoginError or PasswordRefusedError.
    """
    user = find_user(administrator, user_id)
    if is_protected(administrator, user):
        raise ProtectedLoginError(user_id)
    passwords.confirm(administrator, current, origin=origin)
    passwords.check(password, login=user.login, names=passwords.names_of(user))
    password_hash = passwords.hash_password(password)
    with database.atomic():
        user = _claim_unprotected(administrator, user_id)
        store_given_password(user, password_hash, actor=administrator.login, origin=origin)


def remove_user(administrator: User, user_id: int, *, origin: str) -> None:
    """Close a login for good and forget the person; nobody gets that login again.

    The journal keeps the login, to tell who did what. Raises
    UnknownUserError, ProtectedLoginError or LastAdministratorError.
    """
    with database.atomic():
        user = _claim_unprotected(administrator, user_id)
        User.update(
            closed_at=clock.now(),
            is_administrator=False,
            profile=None,
            password_hash=None,
            email=None,
            email_key=None,
            last_name="",
            first_name="",
            phone="",
            mobile="",
            signed_in_at=None,
        ).where(User.id == user.id).execute()
        _keep_an_administrator(user)
        recovery.end_links(user)
        sessions.end_all(user)
        SecondFactor.delete().where(SecondFactor.user == user.id).execute()
        Opening.delete().where(Opening.user == user.id).execute()
        _record("user.removed", administrator, user, origin)


def close_sessions(administrator: User, user_id: int, *, origin: str) -> User:
    """End every session of a user, whatever the kind of login, and return the user.

    A login created by activation a few times an hour: again and again would keep its owner out, who
    alone could stop who does it. Raises UnknownUserError or LimitReachedError.
    """
    if find_user(administrator, user_id).is_from_activation:
        ratelimit.hit("closed_sessions", str(user_id))
    with database.atomic():
        user = _claim(administrator, user_id)
        if count := sessions.end_all(user):
            actor = administrator.login
            audit.record_of("session.closed", user, actor=actor, origin=origin, count=count)
    return user


def _claim(administrator: User, user_id: int) -> User:
    lock_company(administrator, find_user(administrator, user_id).company_id)
    return find_user(administrator, user_id)  # read again: now nobody else changes it


def _claim_unprotected(administrator: User, user_id: int) -> User:
    user = _claim(administrator, user_id)
    if is_protected(administrator, user):
        raise ProtectedLoginError(user_id)
    return user


def _checked(access: Access, administrator: User, user: User, *, origin: str) -> dict[str, Any]:
    if is_protected(administrator, user):
        raise ProtectedLoginError(user.id)
    profile_id, contracts = access.profile_id, access.contracts
    if contracts:
        profile_id = profile_with(administrator, user.company_id, contracts, origin=origin).id
    check_grant(user.company_id, profile_id, is_administrator=access.is_administrator)
    email = recovery_address(user.login, access.email)
    return {
        "email": email,
        "email_key": address_key(email) if email else None,
        "is_active": access.is_active,
        "is_administrator": access.is_administrator,
        "profile_id": profile_id,
    }


def _keep_an_administrator(user: User) -> None:
    """Raise LastAdministratorError if the change left the company without an administrator."""
    was_administrator = user.is_administrator and user.is_active
    others = active_administrators().where(User.company == user.company_id)
    if was_administrator and not others.exists():
        raise LastAdministratorError(user.company_id)


def _record_changes(administrator: User, user: User, changes: dict[str, Any], origin: str) -> None:
    """Record each changed right by its name, and the names of the other changed fields."""
    if "is_active" in changes:
        event = "user.switched_on" if changes["is_active"] else "user.switched_off"
        _record(event, administrator, user, origin)
    if "is_administrator" in changes:
        event = "user.promoted" if changes["is_administrator"] else "user.demoted"
        _record(event, administrator, user, origin)
    fields = sorted(changes.keys() - {"is_active", "is_administrator", "email_key"})
    if fields:
        _record("user.edited", administrator, user, origin, fields=", ".join(fields))


def _record(
    event: str, administrator: User, user: User, origin: str, *, fields: str | None = None
) -> None:
    actor = administrator.login
    if fields is None:
        audit.record_of(event, user, actor=actor, origin=origin)
    else:
        audit.record_of(event, user, actor=actor, origin=origin, fields=fields)
