"""A login whose address has given its place to another: told at once, closed later (FAQ 15).

It closes at once where that other one came back and its login has a password already.
"""

from collections.abc import Mapping

from peewee import ModelSelect

from selfservice import clock, mail, web
from selfservice.accounts import activation
from selfservice.accounts.models import User
from selfservice.suppliers.colours import light_accent
from selfservice.suppliers.models import Company, Supplier
from selfservice.suppliers.register import address_replaced

MAIL = "address_replaced"


@address_replaced.connect
def tell_former(company: Company, *, former_key: str | None, told: Mapping[str, object]) -> None:
    """Queue a mail to the former address for each of its logins in the company that will close.

    Of a change that was asked for, `told` has `value`, `asked_by`, `answer` and `objection_url`.
    """
    closing = list(closing_logins(company, former_key))
    if not closing and not former_key:
        return
    owner = activation.owner_with_password(company)
    for user in closing:
        _queue(user, company, told, is_closed=owner is not None)
    if owner is not None:
        activation.close_superseded(owner)


def closing_logins(company: Company, former_key: str | None) -> "ModelSelect[User]":
    """Return the open logins that activation gave to a former address of a company.

    Without one, those of every address that is not registered now.
    """
    is_former = User.email_key == former_key if former_key else User.email_key != company.email_key
    return User.select().where(
        User.company == company,
        is_former,
        User.is_from_activation,
        User.is_active,
        User.closed_at.is_null(),
    )


def _queue(user: User, company: Company, told: Mapping[str, object], *, is_closed: bool) -> None:
    supplier: Supplier = company.supplier
    mail.enqueue(
        MAIL,
        {
            "accent": light_accent(supplier.colour).colour,
            "login": user.login,
            "is_closed": is_closed,
            "company_name": company.name,
            "client_number": company.client_number,
            "supplier_name": supplier.name,
            "contact": supplier.contact,
            "portal_url": web.public_url("/", hostname=supplier.hostname),
            **told,
        },
        to_address=str(user.email),
        address_key=str(user.email_key),
        sender_name=supplier.name,
        reply_to=supplier.mail,
        cause=f"{MAIL}:{user.id}:{clock.now().isoformat()}",
        company_id=company.id,
        is_secret=bool(told.get("objection_url")),
        priority=mail.ACCOUNT,
    )
