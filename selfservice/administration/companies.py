"""The companies in which an administrator acts, and the lock by which administrators take turns."""

from peewee import ModelSelect

from selfservice.accounts.models import User
from selfservice.db import FRENCH
from selfservice.suppliers.models import Company


class NotFoundError(Exception):
    """This administrator has nothing of that id."""


class NoLongerAdministratorError(NotFoundError):
    """The administrator was switched off, demoted or removed in the meantime."""


class ForeignCompanyError(NotFoundError):
    """The company is not one that this administrator may act in."""


def companies_of(administrator: User) -> "ModelSelect[Company]":
    """Return the companies an administrator may act in, by name.

    These are the own company and, for a login created by activation, the same supplier's companies
    registered with its proven address. A typed address gives no right.
    """
    allowed = Company.id == administrator.company_id
    if administrator.is_from_activation and administrator.email_key:
        supplier_id = administrator.company.supplier_id
        allowed |= (Company.supplier == supplier_id) & (
            Company.email_key == administrator.email_key
        )
    return (
        Company.select()
        .where(allowed)
        .order_by(Company.name.collate(FRENCH), Company.client_number)
    )


def lock_company(administrator: User, company_id: int) -> Company:
    """Return a company of the administrator; others who change its users wait for this commit.

    Call inside a transaction. Raises ForeignCompanyError or NoLongerAdministratorError.
    """
    company: Company | None = (
        companies_of(administrator).where(Company.id == company_id).get_or_none()
    )
    if company is None:
        raise ForeignCompanyError(company_id)
    # An update of nothing locks the row on every database; SQLite knows no FOR UPDATE.
    Company.update(name=Company.name).where(Company.id == company.id).execute()
    if not active_administrators().where(User.id == administrator.id).exists():
        raise NoLongerAdministratorError
    return company


def active_administrators() -> "ModelSelect[User]":
    return User.select().where(User.is_administrator, User.is_active, User.closed_at.is_null())
