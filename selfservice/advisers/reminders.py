"""The mail of a working day that tells a supplier's advisers which requests wait for them."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby

from peewee import IntegrityError

from selfservice import clock, mail, web
from selfservice.accounts.models import User
from selfservice.advisers import team
from selfservice.db import database
from selfservice.requests import deciding, listing, messages
from selfservice.requests.models import CustomerRequest
from selfservice.suppliers.addresses import address_key
from selfservice.suppliers.colours import light_accent
from selfservice.suppliers.models import Supplier

KIND = "requests_waiting"
SATURDAY = 5
LISTED = 20


def remind_advisers() -> int:
    """Queue one mail a day (Paris) and mailbox where requests can be decided; return how many.

    To each adviser; to the supplier's own address where there is none. Nothing at the weekend.
    """
    if clock.today().weekday() >= SATURDAY:
        return 0
    ready = [each for each in listing.undecided() if not deciding.is_waiting(each)]
    ready.sort(key=lambda each: (each.company.supplier_id, each.id))
    count = 0
    for _, group in groupby(ready, key=lambda each: each.company.supplier_id):
        requests = list(group)
        supplier = requests[0].company.supplier
        advisers = _mailboxes(supplier)
        for address in advisers or {supplier.mail} - {""}:
            count += _queue(supplier, requests, address, is_adviser=bool(advisers))
    return count


def _mailboxes(supplier: Supplier) -> set[str]:
    advisers: Iterable[User] = team.all_advisers().where(
        Supplier.id == supplier.id, User.is_active, User.closed_at.is_null()
    )
    return {str(each.email) for each in advisers}


def _queue(
    supplier: Supplier, requests: list[CustomerRequest], address: str, *, is_adviser: bool
) -> bool:
    key = address_key(address)
    try:
        with database.atomic():
            mail.enqueue(
                KIND,
                {
                    "accent": light_accent(supplier.colour).colour,
                    "supplier_name": supplier.name,
                    "count": len(requests),
                    "requests": requests[:LISTED],
                    "more_count": len(requests[LISTED:]),
                    "messages": messages,
                    "is_adviser": is_adviser,
                    "queue_url": web.public_url("/conseil/demandes", hostname=supplier.hostname),
                },
                to_address=address,
                address_key=key,
                sender_name=supplier.name,
                cause=f"{KIND}:{supplier.id}:{key}:{clock.today()}",
                lifetime=timedelta(days=1),
            )
    except IntegrityError:  # today's is queued, by an earlier start or another worker
        return False
    return True
