"""The contracts among which a reader may choose."""

from typing import Any

from selfservice import clock
from selfservice.accounts.models import ProfileContract, User
from selfservice.invoices import queries
from selfservice.invoices.models import BilledContract


def readable_contracts(user: User, limit: int) -> list[str]:
    """Return the first contracts of what the user may see (`queries.visible_to`), sorted."""
    query: Any = BilledContract.select(BilledContract.contract).where(
        BilledContract.company == user.company_id,
        BilledContract.last_issued_on >= queries.earliest_available(clock.today()),
    )
    if user.profile_id is not None:
        contracts = ProfileContract.select(ProfileContract.contract)
        own = contracts.where(ProfileContract.profile == user.profile_id)
        query = query.where(BilledContract.contract.in_(own))
    query = query.order_by(BilledContract.contract).limit(limit)
    return [contract for (contract,) in query.tuples()]
