"""« Pourquoi n'ai-je rien reçu ? » before any sign-in (FAQ 3, 10, 12): proof, answer, second mail.

Whoever knows a client number, and the number and total of one of its documents, is told where the
registered address stands; a whole address, a login or a name is never part of the answer.
"""

from dataclasses import dataclass
from datetime import datetime

from selfservice import audit, clock, ratelimit
from selfservice.accounts import recovery
from selfservice.accounts.models import Activation
from selfservice.db import database
from selfservice.invoices.models import Invoice
from selfservice.mail import OutboxMail, fault_of_address
from selfservice.notifications import chain, mails
from selfservice.suppliers.models import Company, Supplier
from selfservice.texts import identifier, squeezed

HIDDEN = "•••"


class WrongProofError(Exception):
    """No document has this number, total and client number; nothing says which is wrong."""


@dataclass(frozen=True)
class Answer:
    """Where the registered address of a company stands.

    `address` is masked; `mail` is the last mail to it if that did not arrive, else the last
    activation mail that is still kept; `sent_at` is when it left (UTC). `usual_day` is the day of
    the month on which its documents are usually issued.
    """

    company: Company
    state: str
    address: str
    mail: OutboxMail | None
    sent_at: datetime | None
    usual_day: int | None


def prove(client_number: str, number: str, gross_cents: int, *, origin: str) -> int:
    """Return the id of the company whose document this is.

    Each try counts by client number and network (LIMIT_PROOF) and is in the journal. Raises
    WrongProofError, or LimitReachedError.
    """
    ratelimit.hit_from("recovery_ip", origin)
    ratelimit.hit_from("proof", origin, of=squeezed(client_number))
    company_id = _company_of(client_number, number, abs(gross_cents))
    if company_id is None:
        audit.record("proof.refused", origin=origin)
        raise WrongProofError
    audit.record("proof.given", company_id=company_id, origin=origin)
    return company_id


def answer(company_id: int) -> Answer:
    """Return where a company stands."""
    (found,) = chain.registrations(Company.id == company_id)
    company = found.company
    mail = fault_of_address(company.email_key) or _last_activation_mail(company)
    return Answer(
        company=company,
        state=found.state,
        address=masked(str(company.email)) if company.email else "",
        mail=mail,
        sent_at=(mail and mail.sent_at) or found.activated_at,
        usual_day=chain.usual_day(company),
    )


def send_again(company_id: int, *, origin: str) -> bool:
    """Send the registered address what its owner needs now, at most as often as a recovery.

    The activation mail while no password is chosen, afterwards what a recovery sends: a link, or
    what became of a login that does not open any more. Returns False, and sends nothing, before
    the activation. Raises LimitReachedError.
    """
    company = Company.select(Company, Supplier).join(Supplier).where(Company.id == company_id).get()
    activation = Activation.get_or_none(
        Activation.company == company, Activation.email_key == company.email_key
    )
    if activation is None:
        return False
    user = activation.user
    ratelimit.hit_leaving_one("recovery_address", str(company.email_key), origin)
    if user.password_hash is not None or user.closed_at is not None or not user.is_active:
        recovery.request_link(str(company.email), origin=origin)
        return True
    with database.atomic():
        mails.queue_activation(company, user, again_at=clock.now())
        audit.record_of("activation.sent_again", user, actor="system", origin=origin)
    return True


def masked(address: str) -> str:
    """Return « p•••d@e•••.com »: enough to know one's own address, too little to learn it."""
    local, _, domain = address.rpartition("@")
    name, _, ending = domain.rpartition(".")
    last = local[-1] if len(local) > 2 else ""
    return f"{local[:1]}{HIDDEN}{last}@{name[:1]}{HIDDEN}.{ending}"


def _company_of(client_number: str, number: str, gross_cents: int) -> int | None:
    """Look one number up in each supplier's index: it takes as long whatever is wrong."""
    suppliers = [supplier.id for supplier in Supplier.select(Supplier.id)]
    typed = identifier(number)
    found = (
        Invoice.select(Invoice.gross_cents, Company.id, Company.client_number)
        .join(Company)
        .where(
            Invoice.supplier.in_(suppliers),
            Invoice.number.in_([typed, typed.upper(), typed.lower(), typed.replace(" ", "")]),
        )
    )
    for invoice in found:
        is_of_client = squeezed(invoice.company.client_number) == squeezed(client_number)
        if is_of_client and abs(invoice.gross_cents) == gross_cents:
            return int(invoice.company.id)
    return None


def _last_activation_mail(company: Company) -> OutboxMail | None:
    mail: OutboxMail | None = (
        OutboxMail.select()
        .where(
            OutboxMail.kind == "activation",
            OutboxMail.company_id == company.id,
            OutboxMail.address_key == company.email_key,
        )
        .order_by(OutboxMail.id.desc())
        .first()
    )
    return mail
