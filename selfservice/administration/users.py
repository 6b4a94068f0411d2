"""What an administrator does with the users of own companies (FAQ 13)."""

from dataclasses import dataclass

from peewee import IntegrityError, ModelSelect

from selfservice import audit, clock
from selfservice.accounts import passwords
from selfservice.accounts.models import User
from selfservice.db import database
from selfservice.suppliers.addresses import address_key, normalise
from selfservice.suppliers.models import Company


class LoginTakenError(Exception):
    """Another user of the portal, perhaps of another supplier, has this login."""


class ForeignCompanyError(Exception):
    """The company is not one that this administrator may act in."""


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


def companies_of(administrator: User) -> "ModelSelect[Company]":
    """Return the companies an administrator may act in, by name.

    His own; for a login created by activation also those of the same supplier registered with
    its proven address. A typed address gives no right.
    """
    allowed = Company.id == administrator.company_id
    if administrator.is_from_activation:
        supplier_id = administrator.company.supplier_id
        allowed |= (Company.supplier == supplier_id) & (
            Company.email_key == administrator.email_key
        )
    return Company.select().where(allowed).order_by(Company.name, Company.client_number)


def users_of(administrator: User) -> "ModelSelect[User]":
    """Return the users of the administrator's companies that are not closed, by login."""
    return (
        User.select(User, Company)
        .join(Company)
        .where(User.company.in_(list(companies_of(administrator))), User.closed_at.is_null())
        .order_by(Company.name, User.login_key)
    )


def add_user(administrator: User, new: NewUser, *, origin: str) -> User:
    """Add a colleague; no mail is sent, the administrator hands login and password over.

    Raises ForeignCompanyError, LoginTakenError or PasswordRefusedError.
    """
    company: Company | None = (
        companies_of(administrator).where(Company.id == new.company_id).get_or_none()
    )
    if company is None:
        raise ForeignCompanyError(new.company_id)
    names = (new.first_name, new.last_name, company.name, company.supplier.name)
    passwords.check(new.password, login=new.login, names=names)
    if User.select().where(User.login_key == normalise(new.login)).exists():
        raise LoginTakenError(new.login)  # spares the hashing; the schema decides below
    password_hash = passwords.hash_password(new.password)
    try:
        with database.atomic():
            user = _create(company, new, password_hash)
            audit.record(
                "user.added",
                company_id=company.id,
                user_id=administrator.id,
                actor=administrator.login,
                origin=origin,
                added=user.login,
                is_administrator=new.is_administrator,
            )
    except IntegrityError as error:
        raise LoginTakenError(new.login) from error
    return user


def _create(company: Company, new: NewUser, password_hash: str) -> User:
    user: User = User.create(
        company=company,
        login=new.login.strip(),
        login_key=normalise(new.login),
        email=new.email or None,
        email_key=address_key(new.email) if new.email else None,
        is_administrator=new.is_administrator,
        is_active=new.is_active,
        last_name=new.last_name,
        first_name=new.first_name,
        phone=new.phone,
        mobile=new.mobile,
        password_hash=password_hash,
        is_password_from_other=True,
        created_at=clock.now(),
    )
    return user
