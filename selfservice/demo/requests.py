"""What customers of the demonstration have asked for: the adviser's queue is never empty."""

from selfservice.accounts import users
from selfservice.requests import asking
from selfservice.requests.models import CustomerRequest
from selfservice.suppliers.models import Company

ASKED = (
    # By whom, what, and in which words; the mail that proves the address lies in the mailbox.
    ("marc.vasseur@example.com", "delivery", "electronic", "Nous n’archivons plus le papier."),
    ("compta.garage", "document", "", "La facture de mars 2021 du Kangoo, pour un contrôle."),
    ("paul.garnier@example.com", "address", "compta.garnier@example.com", ""),
)
STRANGER = ("100518", "julie.petit@example.com", "Julie Petit, gérante, 03 80 00 00 00")


def open_requests() -> None:
    """Open each request that has never been made; safe to repeat."""
    for login, kind, value, words in ASKED:
        user = users.by_login(login)
        if not _was_asked(user.company, kind):
            asking.ask(user, kind, value=value, words=words, origin="")
    client_number, address, words = STRANGER
    company = Company.get(Company.client_number == client_number)
    if not _was_asked(company, "access"):
        asking.ask_unknown(company.id, address=address, words=words, origin="")


def _was_asked(company: Company, kind: str) -> bool:
    asked = CustomerRequest.select().where(
        CustomerRequest.company == company, CustomerRequest.kind == kind
    )
    return bool(asked.exists())
