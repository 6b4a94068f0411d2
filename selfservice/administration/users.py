"""The users of an administrator's companies: finding them and adding one (FAQ 13)."""

from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

from peewee import JOIN, IntegrityError, ModelSelect

from selfservice import audit, clock, ratelimit
from selfservice.accounts import passwords
from selfservice.accounts.models import Profile, User
from selfservice.accounts.spaces import companies_of
from selfservice.administration.companies import (
    ForeignCompanyError,
    NotFoundError,
    lock_company,
)
from selfservice.administration.contract_profiles import check_grant, count_change, profile_with
from selfservice.db import database
from selfservice.invoices.queries import MAX_ID
from selfservice.suppliers.addresses import address_key, is_address, is_like_a_link, normalise
from selfservice.suppliers.models import Company

PAGE_ROWS = 50
MAX_USERS = 500  # of a company: some pages show all of them
STATES = {"active": True, "inactive": False}


class UnknownUserError(NotFoundError):
    """The administrator's companies have no such user, or no longer."""


class LoginTakenError(Exception):
    """Another user of the portal, perhaps of another supplier, has this login."""


class CompanyFullError(Exception):
    """The company has MAX_USERS users."""


class LinkLikeLoginError(Exception):
    """The login holds « : » or « / »."""


@dataclass(frozen=True, kw_only=True)
class NewUser:
    """What the form « Ajout d'un utilisateur » holds, trimmed."""

    login: str
    password: str
    company_id: int
    last_name: str = ""
    first_name: str = ""
    email: str = ""
    phone: str = ""
    mobile: str = ""
    is_active: bool = True
    is_administrator: bool = False
    profile_id: int | None = None
    contracts: tuple[str, ...] = ()  # to read these only, by a profile found or made


@dataclass(frozen=True, kw_only=True)
class UserPage:
    """One page of users by login; `next_key` opens the following one (None on the last)."""

    users: list[User]
    next_key: str | None


def users_of(administrator: User) -> "ModelSelect[User]":
    """Return the users of the administrator's companies that are not closed, with profiles."""
    return (
        User.select(User, Company, Profile)
        .join(Company)
        .switch(User)
        .join(Profile, JOIN.LEFT_OUTER)
        .where(User.company.in_(list(companies_of(administrator))), User.closed_at.is_null())
    )


def find_user(administrator: User, user_id: int) -> User:
    """Return a user of the administrator's companies. Raises UnknownUserError."""
    user: User | None = None
    if user_id <= MAX_ID:
        user = users_of(administrator).where(User.id == user_id).first()
    if user is None:
        raise UnknownUserError(user_id)
    return user


def list_users(
    administrator: User, *, search: str = "", state: str = "", after: str = ""
) -> UserPage:
    """Return one page of users by login, found by a part of login, name or mail address.

    `state` is a key of STATES, or empty. `after` is the `next_key` of the page before.
    """
    query = users_of(administrator).where(User.login_key > after)
    if search:
        query = query.where(_matches(search))
    if state in STATES:
        query = query.where(User.is_active == STATES[state])
    found = list(query.order_by(User.login_key).limit(PAGE_ROWS + 1))
    users = found[:PAGE_ROWS]
    return UserPage(users=users, next_key=users[-1].login_key if len(found) > PAGE_ROWS else None)


def add_user(administrator: User, new: NewUser, *, origin: str) -> User:
    """Add a colleague; no mail is sent, the administrator hands login and password over.

    A company is told of a few taken logins an hour: each tells who else is on the portal. It adds
    so many users an hour, those of its owner aside: who removes a colleague would else find two
    more, as long as that one likes. Raises LinkLikeLoginError, ForeignCompanyError,
    LoginTakenError, ForeignProfileError, LimitedAdministratorError, CompanyFullError,
    ProfilesFullError, PasswordRefusedError or LimitReachedError.
    """
    whose = administrator.counts_for(administrator.company_id)
    with ratelimit.failure("login_taken", whose, of=LoginTakenError):
        return _add(administrator, new, origin=origin)


def _add(administrator: User, new: NewUser, *, origin: str) -> User:
    if is_like_a_link(new.login):
        raise LinkLikeLoginError(new.login)
    company: Company | None = (
        companies_of(administrator).where(Company.id == new.company_id).get_or_none()
    )
    if company is None:
        raise ForeignCompanyError(new.company_id)
    names = (new.first_name, new.last_name, company.name, company.supplier.name)
    passwords.check(new.password, login=new.login, names=names)
    if User.select().where(User.login_key == normalise(new.login)).exists():
        raise LoginTakenError(new.login)  # saves the hashing; the schema has the last word
    ratelimit.hit("users", administrator.counts_for(company.id))
    passwords.count_hashing(administrator)
    if new.contracts:
        count_change(administrator, company.id)
    password_hash = passwords.hash_password(new.password)
    try:
        with database.atomic():
            lock_company(administrator, company.id)
            users = User.select().where(User.company == company, User.closed_at.is_null())
            if users.count() >= MAX_USERS:
                raise CompanyFullError(company.id)
            if new.contracts:
                profile = profile_with(administrator, company.id, new.contracts, origin=origin)
                new = replace(new, profile_id=profile.id)
            check_grant(company.id, new.profile_id, is_administrator=new.is_administrator)
            user = _create(company, new, password_hash)
            audit.record_of(
                "user.added",
                user,
                actor=administrator.login,
                origin=origin,
                is_administrator=new.is_administrator,
            )
    except IntegrityError as error:
        raise LoginTakenError(new.login) from error
    return user


def _matches(text: str) -> Any:
    # SQLite ignores the case of ASCII letters only, but « élodie » has to find « Élodie » too.
    names = [
        field.contains(written)
        for field in (User.last_name, User.first_name)
        for written in {text, text.lower(), text.capitalize(), text.upper()}
    ]
    keys = [User.login_key.contains(normalise(text)), User.email_key.contains(text.lower())]
    return reduce(or_, keys + names)


def recovery_address(login: str, typed: str) -> str | None:
    """Return the address for recovery: the typed one, else a login that is one. No right."""
    return typed or (login.strip() if is_address(login.strip()) else None)


def _create(company: Company, new: NewUser, password_hash: str) -> User:
    email = recovery_address(new.login, new.email)
    user: User = User.create(
        company=company,
        login=new.login.strip(),
        login_key=normalise(new.login),
        email=email,
        email_key=address_key(email) if email else None,
        is_administrator=new.is_administrator,
        is_active=new.is_active,
        profile=new.profile_id,
        last_name=new.last_name,
        first_name=new.first_name,
        phone=new.phone,
        mobile=new.mobile,
        password_hash=password_hash,
        is_password_from_other=True,
        created_at=clock.now(),
    )
    return user
