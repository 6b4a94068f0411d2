"""The mails of the notifications: what each one says comes from here."""

from flask import current_app

from selfservice import outbox, web
from selfservice.accounts.models import User
from selfservice.help import help_url
from selfservice.suppliers.models import Company


def queue_activation(company: Company, owner: User) -> None:
    """Queue the activation mail of FAQ 4, once per company and address."""
    supplier = company.supplier
    outbox.enqueue(
        "activation",
        to_address=str(company.email),
        address_key=str(company.email_key),
        context={
            "supplier_name": supplier.name,
            "company_name": company.name,
            "login": owner.login,
            "opened_on": supplier.opened_on,
            "retention_months": current_app.config["RETENTION_MONTHS"],
            "portal_url": web.public_url("/", hostname=supplier.hostname),
            "recovery_url": web.public_url("/recuperation", hostname=supplier.hostname),
            "faq_url": web.public_url(help_url("faq"), hostname=supplier.hostname),
            "contact": supplier.contact,
        },
        sender_name=supplier.name,
        cause=f"activation:{company.id}:{company.email_key}",
        company_id=company.id,
    )
