"""The contracts among which a reader may choose."""

from typing import Any

from selfservice.accounts.models import User
from selfservice.db import Prepared
from selfservice.invoices import queries
from selfservice.invoices.models import BilledContract


def readable_contracts(user: User, limit: int) -> list[str]:
    """Return the first contracts of what the user may see (`queries.visible_to`), sorted."""
    scope = queries.scope_of(user)
    return [contract for (contract,) in _CONTRACTS.rows(scope, limit=limit)]


def _readable(scope: queries.Scope, *, limit: int) -> Any:
    query: Any = BilledContract.select(BilledContract.contract).where(
        BilledContract.company == scope.company_id, BilledContract.last_issued_on >= scope.since
    )
    if scope.profile_id is not None:
        own = queries.contracts_of(scope.profile_id)
        query = query.where(BilledContract.contract.in_(own))
    return query.order_by(BilledContract.contract).limit(limit)


_CONTRACTS = Prepared(build=_readable)
