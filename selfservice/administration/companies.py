"""The companies in which an administrator acts, and how administrators take turns.

A lock keeps two apart who act at once; what a page showed keeps one who has left it open for a
while from undoing what another has decided since.
"""

import hashlib
from collections.abc import Sequence

from peewee import chunked

from selfservice.accounts.models import User
from selfservice.accounts.spaces import companies_of
from selfservice.accounts.users import active_administrators
from selfservice.invoices.queries import BATCH
from selfservice.suppliers.models import Company


class NotFoundError(Exception):
    """This administrator has nothing of that id."""


class NoLongerAdministratorError(NotFoundError):
    """The administrator was switched off, demoted or removed in the meantime."""


class ForeignCompanyError(NotFoundError):
    """The company is not one that this administrator may act in."""


class ChangedMeanwhileError(Exception):
    """Another administrator has decided otherwise since the page was shown."""


def shown(*values: object) -> str:
    """Return the fingerprint of what a page shows; its form gives it back as `seen`."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def require_as_shown(seen: str, *values: object) -> None:
    """Check that values are still those of the page; `seen` is empty where there was none.

    Raises ChangedMeanwhileError.
    """
    if seen and seen != shown(*values):
        raise ChangedMeanwhileError


def lock_company(administrator: User, company_id: int) -> Company:
    """Return a company of the administrator; others who change its users wait for this commit.

    Call inside a transaction. Raises ForeignCompanyError or NoLongerAdministratorError.
    """
    company: Company | None = (
        companies_of(administrator).where(Company.id == company_id).get_or_none()
    )
    if company is None:
        raise ForeignCompanyError(company_id)
    lock_companies(administrator, [company.id])
    return company


def lock_companies(administrator: User, company_ids: Sequence[int]) -> None:
    """Have others who change the users of these companies wait for this commit.

    As many as there are, in one go: nobody else writes meanwhile. Call inside a transaction. Raises
    NoLongerAdministratorError.
    """
    for batch in chunked(company_ids, BATCH):
        # An update of nothing locks the row on every database; SQLite knows no FOR UPDATE.
        Company.update(name=Company.name).where(Company.id.in_(batch)).execute()
    if not active_administrators().where(User.id == administrator.id).exists():
        raise NoLongerAdministratorError
