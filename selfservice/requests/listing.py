"""Which requests somebody may follow, and which wait for a decision."""

from typing import Any

from peewee import ModelSelect

from selfservice.accounts.models import User
from selfservice.accounts.spaces import companies_of
from selfservice.requests.errors import UnknownRequestError
from selfservice.requests.models import CustomerRequest
from selfservice.suppliers.models import Company, Supplier

SHOWN = 50


def all_requests() -> "ModelSelect[CustomerRequest]":
    """Return every request, oldest first, company and supplier joined."""
    return (
        CustomerRequest.select(CustomerRequest, Company, Supplier)
        .join(Company)
        .join(Supplier)
        .order_by(CustomerRequest.id)
    )


def undecided() -> "ModelSelect[CustomerRequest]":
    """Return the requests that wait for a decision, oldest first."""
    return all_requests().where(CustomerRequest.decided_at.is_null())


def find(request_id: int, condition: Any = True) -> CustomerRequest:
    """Return one of the requests that meet a condition. Raises UnknownRequestError."""
    found: CustomerRequest | None = (
        all_requests().where(CustomerRequest.id == request_id, condition).first()
    )
    if found is None:
        raise UnknownRequestError(request_id)
    return found


def followed_by(user: User) -> "ModelSelect[CustomerRequest]":
    """Return the last requests that a user may follow, newest first.

    An administrator follows all of the company, others their own of what they still read.
    """
    companies = [company.id for company in companies_of(user)]
    is_followed = (CustomerRequest.user == user) & CustomerRequest.company.in_(companies)
    if user.is_administrator:
        is_followed |= CustomerRequest.company == user.company_id
    return all_requests().where(is_followed).order_by(CustomerRequest.id.desc()).limit(SHOWN)
