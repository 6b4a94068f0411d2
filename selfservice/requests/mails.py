"""The mails of requests: a step, the proof of a new address, the word to the former one."""

from datetime import timedelta

from flask import current_app

from selfservice import clock, mail, tokens, web
from selfservice.accounts import replaced, spaces
from selfservice.notifications import chain
from selfservice.notifications.messages import usual_words
from selfservice.requests.messages import (
    KIND_LABELS,
    STATE_LABELS,
    step_words,
    value_words,
)
from selfservice.requests.models import CustomerRequest
from selfservice.suppliers.addresses import address_key
from selfservice.suppliers.colours import light_accent
from selfservice.suppliers.models import Company
from selfservice.suppliers.register import address_left
from selfservice.texts import unlinked

STEP, PROOF, OBJECTION = "request", "request_proof", "request_objection"


def queue_step(request: CustomerRequest) -> None:
    """Tell whoever asked where the request stands; nobody who has not proven their address.

    A mailbox that is no longer the company's, nor of a login that reads it, is told nothing more.
    """
    is_unknown = request.is_unidentified and request.proven_at is None
    if not request.mail_to or is_unknown or _is_told_as_former(request) or _has_left(request):
        return
    hostname = request.company.supplier.hostname
    value = _told_value(request)
    if request.column == "email":  # a colleague may have typed « www… » before its « @ »
        value = unlinked(value)
    usual = usual_words(chain.usual_day(request.company))
    _queue(
        STEP,
        request,
        to=str(request.mail_to),
        is_secret=False,
        state=STATE_LABELS[request.state].lower(),
        value=value,
        words=step_words(request, usual=usual, value=value),
        reason=request.reason,
        # Whoever asks without a login has no page to follow it on.
        requests_url=web.public_url("/profil/demandes", hostname=hostname)
        if request.kind != "access"
        else "",
    )


def facts_for_former(request: CustomerRequest) -> dict[str, object]:
    """Return what the mail to a replaced address tells of the request.

    With a link that objects, unless it has objected and was decided against.
    """
    return {
        "value": request.value,
        "asked_by": request.asked_by,
        "answer": request.reason,
        "objection_url": "" if request.is_stopped else _objection_url(request),
    }


def _is_told_as_former(request: CustomerRequest) -> bool:
    """Tell whether whoever asked has the replaced address: one mail tells of both."""
    former_key = address_key(str(request.former))
    return (
        request.state == "done"
        and request.column == "email"
        and address_key(str(request.mail_to)) == former_key
        and replaced.closing_logins(request.company, former_key).exists()
    )


def _has_left(request: CustomerRequest) -> bool:
    """Tell whether the mailbox noted at the beginning has nothing to do with the company now."""
    key, user = address_key(str(request.mail_to)), request.user
    # The former one is who asked for the change that was accepted.
    if request.is_unidentified or key in (request.company.email_key, address_key(request.former)):
        return False
    if user is None or not user.is_open or user.email_key != key:
        return True
    return request.company not in spaces.companies_of(user)


def queue_proof(request: CustomerRequest) -> None:
    """Mail the new address the link that proves it."""
    lifetime = timedelta(hours=current_app.config["REQUEST_PROOF_HOURS"])
    secret = tokens.issue(PROOF, str(request.id), lifetime=lifetime)
    _queue(
        PROOF,
        request,
        to=str(request.value),
        lifetime=lifetime,
        link_url=_link(request, f"/demandes/preuve/{secret}"),
        until=clock.format_instant(clock.now() + lifetime),
    )


def queue_objection(request: CustomerRequest) -> None:
    """Tell the registered address, if there is one, and mail it the link that objects."""
    if not request.company.email:
        return
    lifetime = _objection_lifetime()
    _queue(
        OBJECTION,
        request,
        to=str(request.company.email),
        lifetime=lifetime,
        link_url=_objection_url(request),
        asked_by=request.asked_by,
        asked_at=clock.format_instant(request.created_at),
        until=clock.format_instant(clock.now() + lifetime),
    )


def end_links(request: CustomerRequest) -> None:
    """End the links that prove a new address. Call inside a transaction."""
    tokens.replace_all(PROOF, str(request.id))


@address_left.connect
def withdraw_from_former(company: Company, *, former_key: str) -> None:
    """Take back the steps that still wait for an address that has gone; it may object yet."""
    mail.withdraw_from(former_key, company_id=company.id, kinds=(STEP,))


def is_of_former(link: tokens.Token, request: CustomerRequest) -> bool:
    """Tell whether an objection's link went to an address that has gone since, or gone and back."""
    registered_at = request.company.email_registered_at
    return registered_at is None or link.issued_at < registered_at


def end_former_objections(request: CustomerRequest) -> None:
    """End the links of those addresses, before a decision makes another one the former.

    Call inside a transaction.
    """
    registered_at = request.company.email_registered_at or clock.now()
    tokens.replace_all(OBJECTION, str(request.id), before=registered_at)


def _objection_url(request: CustomerRequest) -> str:
    secret = tokens.issue(OBJECTION, str(request.id), lifetime=_objection_lifetime())
    return _link(request, f"/demandes/opposition/{secret}")


def _objection_lifetime() -> timedelta:
    return timedelta(days=current_app.config["REQUEST_OBJECTION_DAYS"])


def _link(request: CustomerRequest, path: str) -> str:
    return web.public_url(path, hostname=request.company.supplier.hostname)


def _told_value(request: CustomerRequest) -> str:
    """Return what a request asks for, but no free words of a colleague to the registered address.

    A site or a telephone in them would be the supplier's to its reader. The page shows them.
    """
    is_own = request.user is not None and request.user.has_proven_mailbox
    return value_words(request) if is_own or request.kind != "document" else ""


def _queue(
    kind: str,
    request: CustomerRequest,
    *,
    to: str,
    lifetime: timedelta = timedelta(days=14),
    is_secret: bool = True,
    **context: object,
) -> None:
    company, supplier = request.company, request.company.supplier
    whose = f"client n° {company.client_number}"
    # Who knows one document of a company learns nothing else of it.
    is_stranger = request.kind == "access" and to == request.value
    is_registered = address_key(to) == company.email_key
    mail.enqueue(
        kind,
        {
            "accent": light_accent(supplier.colour).colour,
            "supplier_name": supplier.name,
            "whose": f"le {whose}" if is_stranger else f"{company.name} ({whose})",
            "contact": supplier.contact,
            "kind": KIND_LABELS[request.kind],
            "value": _told_value(request),
            **context,
        },
        to_address=to,
        address_key=address_key(to),
        sender_name=supplier.name,
        reply_to=supplier.mail,
        # The fate of a mail to an address that somebody typed is not the company's to see.
        company_id=company.id if is_registered else None,
        is_secret=is_secret,
        lifetime=lifetime,
        priority=mail.AWAITED if is_registered else mail.TYPED,
    )
