"""Asking: what users and visitors ask for, the proof of a new address, an objection."""

from datetime import datetime, timedelta

from flask import current_app
from peewee import IntegrityError

from selfservice import clock, ratelimit, tokens
from selfservice.accounts.models import Activation, User
from selfservice.db import database
from selfservice.invoices import queries
from selfservice.invoices.models import Invoice
from selfservice.requests import journal, mails
from selfservice.requests.errors import (
    AlreadyOpenError,
    AlreadySoError,
    DecidedError,
    NotAllowedError,
    UnknownDocumentError,
    UnknownRequestError,
)
from selfservice.requests.listing import find, undecided
from selfservice.requests.messages import END_LABELS
from selfservice.requests.models import (
    FORMER,
    OF_ADDRESS,
    OF_ADMINISTRATORS,
    UNIDENTIFIED,
    CustomerRequest,
    Portal,
)
from selfservice.suppliers import register
from selfservice.suppliers.addresses import address_key
from selfservice.suppliers.models import Company
from selfservice.suppliers.register import address_left, address_replaced
from selfservice.texts import identifier


def kinds_of(user: User) -> list[str]:
    """Return what a user may ask for: another address or mode only an administrator (FAQ 15)."""
    first = OF_ADMINISTRATORS if user.is_administrator else ("administrator",)
    return [*first, "document", "question"]


def ask(user: User, kind: str, *, value: str = "", words: str = "", origin: str) -> CustomerRequest:
    """Open a request of a signed-in user's company.

    Raises NotAllowedError, AlreadySoError, AlreadyOpenError, UnknownDocumentError or
    LimitReachedError.
    """
    if kind not in kinds_of(user):
        raise NotAllowedError(kind)
    company = user.company
    if kind == "question" and value:
        document = _document(user, value)
        value, company = document.number, document.company
    return _open(
        CustomerRequest(
            company=company,
            user=user,
            kind=kind,
            value=value,
            words=words,
            asked_by=user.login,
            mail_to=value if kind in UNIDENTIFIED else _mailbox_of(user, company),
            created_at=clock.now(),
        ),
        origin=origin,
    )


def _mailbox_of(user: User, company: Company) -> str:
    """Return who is told of the steps: a mailbox that a customer typed gets no mail by that."""
    return (user.email if user.has_proven_mailbox else company.email) or ""


def ask_unknown(company_id: int, *, address: str, words: str, origin: str) -> CustomerRequest:
    """Open the request of a visitor who has proven to know a document of a company.

    Raises AlreadySoError, AlreadyOpenError or LimitReachedError.
    """
    return _open(
        CustomerRequest(
            company=Company.get_by_id(company_id),
            kind="access",
            value=address,
            words=words,
            mail_to=address,
            created_at=clock.now(),
        ),
        origin=origin,
    )


def proof_of(secret: str) -> CustomerRequest:
    """Return the request of which a link proves the address; consumes nothing.

    Raises a TokenError, also where the request is decided.
    """
    return _behind(tokens.read(mails.PROOF, secret))


def prove(secret: str, *, origin: str) -> CustomerRequest:
    """Note that the new address is its reader's, and tell the registered one, which may object.

    Raises a TokenError.
    """
    with database.atomic():
        token = tokens.read(mails.PROOF, secret)
        request = _behind(token)
        tokens.consume(token)
        request.proven_at = clock.now()
        request.save(only=[CustomerRequest.proven_at])
        journal.note("request.proven", request, origin=origin)
        _let_object(request, since=request.proven_at)
    return request


@address_replaced.connect
def ask_anew(company: Company, **_told: object) -> None:
    """Tell the address that is registered now what the one before was told, and may object to.

    A stranger's request would else be accepted with nobody left who could object by a link.
    """
    standing = undecided().where(
        CustomerRequest.company == company,
        CustomerRequest.proven_at.is_null(False),
    )
    for request in list(standing):
        if request.value_key != company.email_key and not request.is_stopped:
            _let_object(request, since=clock.now())


@address_left.connect
def keep_whose_objection(company: Company, *, former_key: str) -> None:
    """Note which address objected, once it has gone: the one that is registered next has not.

    Who asks would else object to it beforehand, so that nobody could afterwards.
    """
    CustomerRequest.update(objected_by=f"{FORMER}{former_key}"[:320]).where(
        CustomerRequest.company == company,
        CustomerRequest.decided_at.is_null(),
        CustomerRequest.objected_at.is_null(False),
        CustomerRequest.objected_by == "",
    ).execute()


def _let_object(request: CustomerRequest, *, since: datetime) -> None:
    """Tell the registered address what is asked for. Call inside a transaction.

    Where nothing says who asks, the days for an objection begin at `since`, and who asks is told.
    """
    if request.is_unidentified:
        days = current_app.config["REQUEST_OBJECTION_DAYS"]
        request.waits_until = since + timedelta(days=days)
        request.save(only=[CustomerRequest.waits_until])
    mails.queue_objection(request)
    if request.is_unidentified:
        mails.queue_step(request)


def objection_of(secret: str) -> CustomerRequest:
    """Return the request that a link objects to; consumes nothing.

    Raises a TokenError, also where the address that it was mailed to had been replaced before any
    decision, or DecidedError where it is too late.
    """
    token = tokens.read(mails.OBJECTION, secret)
    request = _asked_for(token)
    if request.is_open and mails.is_of_former(token, request):
        raise tokens.ReplacedTokenError(token.subject)
    _require_time_left(request, is_of_registered=True)
    return request


def object_by_link(secret: str, *, words: str, origin: str) -> None:
    """Stop a request in the name of the registered address. Raises as `objection_of` does."""
    with database.atomic():
        request = objection_of(secret)
        tokens.consume(tokens.read(mails.OBJECTION, secret))
        _object(request, by="", is_of_registered=True, words=words, origin=origin)


def objectionable(user: User, request_id: int) -> CustomerRequest:
    """Return a request of nobody known to which an administrator of its company may object.

    Raises UnknownRequestError, or DecidedError where it is too late.
    """
    if not user.is_administrator:
        raise UnknownRequestError(request_id)
    is_own = CustomerRequest.company == user.company_id
    request = find(request_id, is_own & CustomerRequest.kind.in_(UNIDENTIFIED))
    _require_time_left(request, is_of_registered=_is_registered(user, request))
    return request


def object_as(user: User, request_id: int, *, words: str, origin: str) -> None:
    """Stop a request in the name of an administrator. Raises as `objectionable` does."""
    with database.atomic():
        request = objectionable(user, request_id)
        _object(
            request,
            by=str(user.login),
            is_of_registered=_is_registered(user, request),
            words=words,
            origin=origin,
        )


def is_to_be_asked(user: User) -> bool:
    """Tell whether an administrator's company gets no notices, and has never asked for any."""
    if not user.is_administrator or user.company.notification != "none" or not user.company.email:
        return False
    asked = CustomerRequest.select().where(
        CustomerRequest.company == user.company_id, CustomerRequest.kind == "notification"
    )
    return not asked.exists()


def _open(request: CustomerRequest, *, origin: str) -> CustomerRequest:
    """Write a request and its mails; call outside any transaction."""
    # First of all, or a stranger would try one address after the other for the registered one.
    _count(request, origin)
    _require_change(request)
    if request.kind in OF_ADDRESS:
        _count_link(request, origin)
    with database.atomic():
        _close_unproven(request)
        try:
            with database.atomic():
                request.save(force_insert=True)
        except IntegrityError as error:
            raise AlreadyOpenError(request.kind) from error
        journal.note("request.opened", request, actor=str(request.asked_by), origin=origin)
        mails.queue_step(request)
        if request.kind in OF_ADDRESS:
            mails.queue_proof(request)
    return request


def _count(request: CustomerRequest, origin: str) -> None:
    """Count by kind: what a stranger asks uses up nothing of the company's own.

    Strangers count by network, so that one of them keeps no other from asking.
    """
    subject = _asker(request)
    if request.kind == "access":
        ratelimit.hit_from("request", origin, of=subject)
        ratelimit.hit_wide("request", subject)
    else:
        ratelimit.hit("request", subject)


def _count_link(request: CustomerRequest, origin: str) -> None:
    """Count the links that an address gets by company: who guesses another's next stops nobody.

    Strangers count by themselves, all companies together: an address gets a few mails. Whoever asks
    for all of them from one network leaves its owner one.
    """
    if request.kind == "access":
        ratelimit.hit_leaving_one("request_address", f"stranger {request.value_key}", origin)
    else:
        ratelimit.hit("request_address", f"{_asker(request)} {request.value_key}")


def _asker(request: CustomerRequest) -> str:
    """Return as whose a request counts, by its kind."""
    user: User | None = request.user
    company_id = request.company_id
    return f"{user.counts_for(company_id) if user else company_id} {request.kind}"


def _require_change(request: CustomerRequest) -> None:
    """Raise AlreadySoError where the register says already what is asked for."""
    column = request.column
    if column == "email":
        is_so = request.value_key == request.company.email_key
    else:
        is_so = column is not None and getattr(request.company, column) == request.value
    if is_so:
        raise AlreadySoError(request.kind)


def _close_unproven(new: CustomerRequest) -> None:
    """Let a new request take the place of one whose address nobody has proven.

    Or a typing error would block the next request. Where nothing says who asks, only for the same
    address: a stranger's would else take the place of the owner's.
    """
    if new.kind not in OF_ADDRESS:
        return
    unproven = CustomerRequest.select().where(
        CustomerRequest.company == new.company,
        CustomerRequest.kind == new.kind,
        CustomerRequest.decided_at.is_null(),
        CustomerRequest.proven_at.is_null(),
        CustomerRequest.kind.not_in(UNIDENTIFIED) | (CustomerRequest.value == new.value),
    )
    for request in unproven:
        mails.end_links(request)
        request.state, request.reason = "refused", END_LABELS["replaced"]
        request.decided_at, request.decided_by = clock.now(), Portal().login
        request.save()


def _document(user: User, number: str) -> Invoice:
    """Return the document of a number, written as people do, that a user may read."""
    typed = identifier(number)
    found: Invoice | None = (
        queries.visible_to(user).where(Invoice.number.in_([typed, typed.upper()])).first()
    )
    if found is None:
        raise UnknownDocumentError(typed)
    return found


def _asked_for(token: tokens.Token) -> CustomerRequest:
    try:
        return find(int(token.subject))
    except UnknownRequestError as error:  # purged
        raise tokens.ReplacedTokenError(token.subject) from error


def _behind(token: tokens.Token) -> CustomerRequest:
    request = _asked_for(token)
    if not request.is_open:
        raise tokens.ReplacedTokenError(token.subject)
    return request


def _is_registered(user: User, request: CustomerRequest) -> bool:
    """Tell whether a user has the registered address, or the one that an accepted one replaced.

    As the request was read, inside the transaction: the user's own company is of a moment before.
    """
    key = request.company.email_key if request.is_open else address_key(str(request.former))
    return bool(user.is_from_activation) and user.email_key == key


def _require_time_left(request: CustomerRequest, *, is_of_registered: bool) -> None:
    """Raise DecidedError once an objection changes nothing any more.

    What is accepted can still be taken back until the next deposit has opened the new login,
    whoever closes that one afterwards; in spite of an objection, it stands, but for the registered
    address where another has objected.
    """
    if request.decided_at is None:
        return
    company, key = request.company, request.value_key
    is_registered = company.email_key == key and register.has_stayed_since(
        company, request.decided_at
    )
    opened = Activation.in_force(since=request.decided_at).where(
        Activation.company == company, Activation.email_key == key
    )
    is_too_late = not is_registered or opened.exists()
    is_heard = request.is_heard(is_of_registered=is_of_registered)
    if is_heard or request.state != "done" or is_too_late:
        raise DecidedError(request)


def _object(
    request: CustomerRequest, *, by: str, is_of_registered: bool, words: str, origin: str
) -> None:
    if request.is_open and request.is_heard(is_of_registered=is_of_registered):
        return  # stopped already; each time again would fill the journal
    if not request.is_open:
        register.change(
            request.company,
            "email",
            str(request.former),
            by=Portal(by) if by else Portal(),
            reason=END_LABELS["taken_back" if is_of_registered else "taken_back_by_other"],
            # By a link, the portal does it: a user named as it is would use up its place in the
            # journal. From where is told by the objection.
            origin=origin if by else "",
        )
    objected = {
        "objected_at": clock.now(),
        "objected_by": "" if is_of_registered else by,
        "objection": words,
        "taken_by": "",
    }
    same = (CustomerRequest.id == request.id) & CustomerRequest.decided_at.is_null(request.is_open)
    reopened = {"state": "received", "decided_at": None, "decided_by": "", "reason": ""}
    try:
        with database.atomic():
            if not CustomerRequest.update(objected | reopened).where(same).execute():
                raise DecidedError(find(request.id))  # a moment ago: it may be taken back
    except IntegrityError:  # a newer one of this kind is open, and decides
        ended = {"state": "refused", "decided_by": Portal().login, "reason": END_LABELS["objected"]}
        CustomerRequest.update(objected | ended).where(same).execute()
    else:
        if not request.is_open and not is_of_registered:
            mails.queue_objection(request)  # the address is back, and its own link is of before
    journal.note("request.objected", request, actor=by, origin=origin)
