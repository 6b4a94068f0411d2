"""The companies in which an administrator acts, and the lock by which administrators take turns."""

from selfservice.accounts.models import User
from selfservice.accounts.spaces import companies_of
from selfservice.accounts.users import active_administrators
from selfservice.suppliers.models import Company


class NotFoundError(Exception):
    """This administrator has nothing of that id."""


class NoLongerAdministratorError(NotFoundError):
    """The administrator was switched off, demoted or removed in the meantime."""


class ForeignCompanyError(NotFoundError):
    """The company is not one that this administrator may act in."""


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
