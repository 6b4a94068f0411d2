"""What became of a login that opens nothing any more: told by mail, never on a page."""

from peewee import IntegrityError

from selfservice import clock, mail, ratelimit, web
from selfservice.accounts.models import User
from selfservice.db import database
from selfservice.suppliers.colours import light_accent
from selfservice.suppliers.models import Company, Supplier

MAIL = "login_ended"
MOST_TOLD = 10  # of one mailbox a day: one of a hundred closed logins uses up nobody's mails


def tell_mailbox(key: str) -> bool:
    """Tell a mailbox of its last closed and switched-off logins; say whether a mail was queued.

    Those of proven mailboxes come first. Call outside any transaction.
    """
    users = (
        User.select()
        .where(User.email_key == key, ~User.is_active | User.closed_at.is_null(False))
        .order_by(User.is_from_activation.desc(), User.closed_at.desc(), User.id.desc())
        .limit(MOST_TOLD)
    )
    queued = [tell(user) for user in users]
    return any(queued)


def tell(user: User) -> bool:
    """Tell its owner what became of a login, at most once a Paris day; say if a mail was queued.

    A mailbox that no register knows gets no more of these mails than of links, beside which they
    count. Past a limit nothing is told. Call outside any transaction.
    """
    cause = f"{MAIL}:{user.id}:{clock.today().isoformat()}"
    if not user.email_key or mail.is_queued(cause):
        return False
    try:
        if not user.has_proven_mailbox:
            # Of its own: who names others' mailboxes takes no link from them.
            ratelimit.hit("recovery_unproven", f"ended {user.email_key}")
            ratelimit.hit("recovery_company", str(user.company_id))
        ratelimit.hit("recovery_all")
    except ratelimit.LimitReachedError:
        return False
    try:
        with database.atomic():
            _queue(user, cause)
    except IntegrityError:  # told by another request at this very moment
        return False
    return True


def _queue(user: User, cause: str) -> None:
    company: Company = user.company
    supplier: Supplier = company.supplier
    closed_on = clock.paris(user.closed_at).date() if user.closed_at else None
    mail.enqueue(
        MAIL,
        {
            "accent": light_accent(supplier.colour).colour,
            "login": user.login,
            "is_superseded": user.is_superseded,
            "closed_on": clock.format_long_day(closed_on) if closed_on else "",
            "company_name": company.name,
            "client_number": company.client_number,
            "supplier_name": supplier.name,
            "contact": supplier.contact,
            "portal_url": web.public_url("/", hostname=supplier.hostname),
        },
        to_address=str(user.email),
        address_key=str(user.email_key),
        sender_name=supplier.name,
        reply_to=supplier.mail,
        cause=cause,
        company_id=company.id if user.has_registered_address else None,
        priority=mail.AWAITED,
    )
