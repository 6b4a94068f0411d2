"""The door: which companies an adviser may look at and act for."""

from peewee import ModelSelect

from selfservice.accounts.models import User
from selfservice.db import FRENCH
from selfservice.suppliers.models import DESK, Company, Supplier


class UnknownCompanyError(Exception):
    """The adviser's supplier has no company of this client number."""


def companies_of(adviser: User) -> "ModelSelect[Company]":
    """Return the companies of the adviser's supplier, by name; of no other, and for nobody else."""
    query = Company.select(Company, Supplier).join(Supplier)
    return query.where(
        Company.supplier == (adviser.company.supplier_id if adviser.is_adviser else None),
        Company.client_number != DESK,
    ).order_by(Company.name.collate(FRENCH), Company.client_number)


def find_company(adviser: User, client_number: str) -> Company:
    """Return a company by client number. Raises UnknownCompanyError."""
    found: Company | None = (
        companies_of(adviser).where(Company.client_number == client_number).first()
    )
    if found is None:
        raise UnknownCompanyError(client_number)
    return found
