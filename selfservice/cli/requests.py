"""Customers' requests, without a screen."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from selfservice import clock
from selfservice.cli.frame import Fault, command, example, group, say, say_cells
from selfservice.invoices.queries import MAX_ID
from selfservice.requests import deciding, listing, messages
from selfservice.requests.errors import DecisionError, UnknownRequestError
from selfservice.requests.models import REASON_LENGTH, CustomerRequest, Portal
from selfservice.texts import one_form

id_argument = click.argument(
    "request_id",
    metavar="ID",
    type=click.IntRange(1, MAX_ID),
    help="Numéro de la demande, que « requests list » écrit en tête de ligne.",
)


@group("requests", "Demandes des clients.")
def requests_group() -> None:
    pass


@requests_group.command("list", epilog=example("requests list", "requests list --all"))
@click.option("--all", "is_all", is_flag=True, help="Montre aussi celles qui sont décidées.")
@command
def requests_list(is_all: bool) -> None:
    """Liste les demandes, la plus ancienne d'abord."""
    query = listing.all_requests() if is_all else listing.undecided()
    count = 0
    for count, request in enumerate(query.iterator(), 1):  # noqa: B007
        say_cells(
            request.id,
            f"{clock.paris(request.created_at):%Y-%m-%d %H:%M}",
            messages.desk_words(request),
            request.company.supplier.slug,
            request.company.client_number,
            request.company.name,
            messages.KIND_LABELS[request.kind],
            messages.value_words(request),
            messages.asker_words(request),
            request.words,
            _objection(request),
        )
    say(f"{count} demande(s).")


@requests_group.command("accept", epilog=example("requests accept 12"))
@id_argument
@click.option("--reason", metavar="TEXTE", default="", help="La réponse, que le client lira.")
@click.option(
    "--despite-objection", "is_despite", is_flag=True, help="Malgré l'opposition que vous avez lue."
)
@command
def requests_accept(request_id: int, reason: str, is_despite: bool) -> None:
    """Accepte une demande ; elle vaut à partir du prochain dépôt."""
    with _decided(request_id) as request:
        seen = request.objection_mark if is_despite else ""
        deciding.accept(request, by=Portal(), reason=_short(reason), objection_seen=seen)
    say(f"Demande {request_id} acceptée : {_what(request)}.")


@requests_group.command("refuse", epilog=example('requests refuse 12 --reason "Adresse erronée"'))
@id_argument
@click.option("--reason", metavar="TEXTE", default="", help="La raison, que le client lira.")
@command
def requests_refuse(request_id: int, reason: str) -> None:
    """Refuse une demande."""
    with _decided(request_id) as request:
        deciding.refuse(request, by=Portal(), reason=_short(reason))
    say(f"Demande {request_id} refusée : {_what(request)}.")


def _objection(request: CustomerRequest) -> str:
    """Return what was objected, after who did but for the registered address."""
    words = str(request.objection)
    is_of_other = bool(request.objected_at) and not request.is_stopped
    return f"{messages.objector_words(request)} : {words}" if is_of_other else words


@contextmanager
def _decided(request_id: int) -> Iterator[CustomerRequest]:
    """Find a request, and say in one line why it cannot be decided."""
    try:
        yield listing.find(request_id)
    except UnknownRequestError as error:
        raise Fault(f"Aucune demande sous le numéro {request_id}.") from error
    except DecisionError as error:
        raise Fault(messages.explain(error)) from error


def _short(reason: str) -> str:
    if len(reason) > REASON_LENGTH:
        raise Fault(f"La raison dépasse {REASON_LENGTH} caractères.")
    return one_form(reason)


def _what(request: CustomerRequest) -> str:
    company = request.company
    value = messages.value_words(request)
    what = f"{messages.KIND_LABELS[request.kind]} ({value})" if value else ""
    return f"{what or messages.KIND_LABELS[request.kind]}, {company.name} {company.client_number}"
