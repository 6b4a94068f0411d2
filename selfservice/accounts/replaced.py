"""A login whose address has given its place to another: told at once, closed later (FAQ 15)."""

from selfservice import clock, mail, web
from selfservice.accounts.models import User
from selfservice.suppliers.colours import light_accent
from selfservice.suppliers.models import Company, Supplier
from selfservice.suppliers.register import address_replaced

MAIL = "address_replaced"


@address_replaced.connect
def tell_former(company: Company, *, former_key: str) -> None:
    """Queue a mail to the former address for each of its logins in the company that will close."""
    users = User.select().where(
        User.company == company,
        User.email_key == former_key,
        User.is_from_activation,
        User.is_active,
        User.closed_at.is_null(),
    )
    for user in users:
        _queue(user, company)


def _queue(user: User, company: Company) -> None:
    supplier: Supplier = company.supplier
    mail.enqueue(
        MAIL,
        {
            "accent": light_accent(supplier.colour).colour,
            "login": user.login,
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
        cause=f"{MAIL}:{user.id}:{clock.now().isoformat()}",
        company_id=company.id,
        priority=mail.ACCOUNT,
    )
