"""Steps of the tests of requests: a company with an address, a request, its mailed links."""

import re

from selfservice.accounts.models import User
from selfservice.mail.outbox import OutboxMail
from selfservice.requests import asking, listing
from selfservice.requests.models import CustomerRequest
from tests.factories import People, make_user

NEW = "compta@atelier.example"
OLD = "alice@example.com"
VALUES = {
    "address": NEW,
    "administrator": NEW,
    "notification": "daily",
    "delivery": "paper",
}
ORIGIN = "192.0.2.1"
LINK = re.compile(r"https?://[^/\s]+(/demandes/\S+)")


def asked(people: People, kind: str, *, user: User | None = None) -> CustomerRequest:
    """Open a request of alice's company, by whoever may."""
    if kind == "access":
        company_id = people.alice.company_id
        return asking.ask_unknown(company_id, address=NEW, words="Zoé, 06", origin=ORIGIN)
    asker = user or (colleague(people) if kind == "administrator" else people.alice)
    return asking.ask(asker, kind, value=VALUES.get(kind, ""), words="Merci", origin=ORIGIN)


def colleague(people: People) -> User:
    found: User | None = User.get_or_none(User.login == "ursule")
    return found or make_user(people.alice.company, "ursule")


def link(kind: str, to: str = "") -> str:
    """Return the path of the link in the newest mail of a kind."""
    query = OutboxMail.select().where(OutboxMail.kind == kind).order_by(OutboxMail.id.desc())
    mail = (query.where(OutboxMail.to_address == to) if to else query).first()
    found = LINK.search(mail.body_text)
    assert found, mail.body_text
    return found[1]


def secret(kind: str) -> str:
    return link(kind).rpartition("/")[2]


def prove() -> None:
    asking.prove(secret("request_proof"), origin=ORIGIN)


def again(request: CustomerRequest) -> CustomerRequest:
    return listing.find(request.id)


def steps_told() -> list[str]:
    """Return the subjects of the mails about steps, oldest first."""
    query = OutboxMail.select().where(OutboxMail.kind == "request").order_by(OutboxMail.id)
    return [mail.subject.partition("\u00a0:")[0] for mail in query]
