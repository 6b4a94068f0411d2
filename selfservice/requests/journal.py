"""What the journal, which the customer reads, notes of a request."""

from selfservice import audit
from selfservice.requests.models import CustomerRequest


def note(
    event: str, request: CustomerRequest, *, actor: str = "", origin: str, **facts: str
) -> None:
    """Append an event of a request; `actor` is empty for the holder of a link, or a visitor."""
    audit.record(
        event,
        company_id=request.company_id,
        user_id=request.user_id,
        actor=actor,
        origin=origin,
        request=str(request.kind),
        **facts,
    )
