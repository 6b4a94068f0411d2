"""Deciding: an adviser, or a command, takes, accepts or refuses what customers ask for."""

from typing import Any

from selfservice import clock
from selfservice.db import database
from selfservice.requests import journal, mails
from selfservice.requests.errors import (
    AskerGoneError,
    DecidedError,
    NotProvenError,
    ReasonMissingError,
    TakenError,
    TooEarlyError,
    UnseenObjectionError,
)
from selfservice.requests.listing import find
from selfservice.requests.messages import END_LABELS
from selfservice.requests.models import CustomerRequest
from selfservice.suppliers import register


def take(request: CustomerRequest, *, by: register.Actor, origin: str) -> None:
    """Note that an adviser works on a request (« en cours »). Raises DecidedError or TakenError."""
    with database.atomic():
        _claim(
            request,
            CustomerRequest.state == "received",
            refusal=TakenError,
            state="in_progress",
            taken_by=by.login,
        )
        journal.note("request.taken", request, actor=by.login, origin=origin)
        mails.queue_step(request)


def accept(
    request: CustomerRequest,
    *,
    by: register.Actor,
    reason: str = "",
    objection_seen: str | None = None,
    is_departure_seen: bool = True,
    expected: str | None = None,
    origin: str = "",
) -> None:
    """Approve a request: what it changes of the register counts from the next deposit (FAQ 15).

    A new address has to be proven, and the days for an objection to be over. In spite of an
    objection it takes a reason, of somebody who has seen it, and where who asked is no
    administrator any more, too. `objection_seen` is the mark of the objection that who decides was
    shown, None where that is the present one; `expected` is what the register said then. Raises a
    DecisionError or register.ChangedMeanwhileError, and then nothing has changed.
    """
    with database.atomic():
        current = find(request.id)
        _require_acceptable(current)
        if current.objection_mark and objection_seen not in (None, current.objection_mark):
            raise UnseenObjectionError(current)
        if current.is_asker_gone and not (reason and is_departure_seen):
            raise AskerGoneError(current)
        if needs_reason(current) and not reason:
            raise ReasonMissingError(current)
        _claim(
            current,
            _is_same_objection(current),
            refusal=UnseenObjectionError,
            state="done",
            decided_at=clock.now(),
            decided_by=by.login,
            reason=reason,
            former=current.company.email or "",
        )
        if column := current.column:
            mails.end_former_objections(current)
            register.change(
                current.company,
                column,
                str(current.value),
                by=by,
                reason=reason or END_LABELS["accepted"].format(id=current.id),
                origin=origin,
                expected=expected,
                told=mails.facts_for_former(current) if column == "email" else None,
            )
        journal.note("request.accepted", current, actor=by.login, origin=origin, answer=reason)
        mails.queue_step(current)


def refuse(request: CustomerRequest, *, by: register.Actor, reason: str, origin: str = "") -> None:
    """Refuse a request, with a reason that the customer reads. Raises a DecisionError."""
    if not reason:
        raise ReasonMissingError(request)
    with database.atomic():
        _claim(
            request,
            refusal=DecidedError,
            state="refused",
            decided_at=clock.now(),
            decided_by=by.login,
            reason=reason,
        )
        mails.end_links(request)
        journal.note("request.refused", request, actor=by.login, origin=origin, answer=reason)
        mails.queue_step(request)


def needs_reason(request: CustomerRequest) -> bool:
    """Tell whether accepting takes words: an answer, or why in spite of what speaks against it."""
    return request.column is None or request.objected_at is not None or request.is_asker_gone


def is_waiting(request: CustomerRequest) -> bool:
    """Tell whether nobody can accept yet: no proof, or still time for the registered address."""
    return request.needs_proof or (
        not request.is_stopped
        and request.waits_until is not None
        and clock.now() < request.waits_until
    )


def _require_acceptable(request: CustomerRequest) -> None:
    if not request.is_open:
        raise DecidedError(request)
    if request.needs_proof:
        raise NotProvenError(request)
    if is_waiting(request):
        raise TooEarlyError(request)


def _is_same_objection(request: CustomerRequest) -> Any:
    """Return the condition that nobody has objected since the request was read."""
    if request.objected_at is None:
        return CustomerRequest.objected_at.is_null()
    return CustomerRequest.objected_at == request.objected_at


def _claim(
    request: CustomerRequest,
    condition: Any = True,
    *,
    refusal: type[Exception],
    **values: object,
) -> None:
    """Change an undecided request; of several at once exactly one succeeds.

    Raises DecidedError with what the first one did, else `refusal`.
    """
    changed = (
        CustomerRequest.update(values)
        .where(CustomerRequest.id == request.id, CustomerRequest.decided_at.is_null(), condition)
        .execute()
    )
    if changed != 1:
        current = find(request.id)
        raise (refusal if current.is_open else DecidedError)(current)
    for name, value in values.items():
        setattr(request, name, value)
