"""What the pages of the help tell of a supplier: its row in words (`placeholders`)."""

from collections.abc import Iterator

from markupsafe import Markup

from selfservice import clock
from selfservice.suppliers.models import Supplier


def facts_of(supplier: Supplier) -> dict[str, str]:
    """Return what the row holds, by the names of `placeholders.FACTS`; no empty value."""
    facts = dict(_dates_of(supplier)) | {
        "name": supplier.name,
        "signature": supplier.signature or f"L’équipe {supplier.name}",
        "former_portal": supplier.former_portal,
        "former_prefixes": " ou ".join(supplier.prefixes),
        "contact": Markup(", ").join(_contact_of(supplier)),
    }
    return {name: value for name, value in facts.items() if value}


def _dates_of(supplier: Supplier) -> Iterator[tuple[str, str]]:
    if supplier.opened_on:
        day = clock.format_day(supplier.opened_on)
        yield from (("opened_on", day), ("opening", f"le {day}"))
    if supplier.platform_since:
        yield "platform_since", clock.format_long_day(supplier.platform_since)
    if supplier.former_closed_on:
        yield "former_closed", clock.format_month(supplier.former_closed_on)


def _contact_of(supplier: Supplier) -> Iterator[str | Markup]:
    """Yield name, telephone, hours and mail, those that the row has; nothing for a name alone."""
    if supplier.contact_name and supplier.contact != supplier.contact_name:
        yield supplier.contact_name
    if supplier.phone:
        yield Markup('<a class="nobr" href="tel:{}">{}</a>').format(
            supplier.phone_link, supplier.phone
        )
    if supplier.hours:
        yield supplier.hours
    if supplier.mail:
        yield Markup('<a href="mailto:{0}">{0}</a>').format(supplier.mail)
