"""`retention purge`."""

import click

from selfservice import clock
from selfservice.cli.frame import command, example, group, say
from selfservice.invoices.models import Invoice
from selfservice.invoices.queries import available_until
from selfservice.operations import purging
from selfservice.retention import documents
from selfservice.retention.purge import forecast
from selfservice.suppliers.models import Supplier

KINDS = {
    "documents": "document(s)",
    "files": "fichier(s) sans document",
    "users": "identifiant(s) fermé(s)",
    "mails": "mail(s)",
    "mail_texts": "texte(s) de mail",
    "links": "lien(s) mort(s)",
    "sessions": "session(s) terminée(s)",
    "counters": "compteur(s)",
    "help_votes": "compte(s) d'avis",
    "calls": "compte(s) d'appels",
    "missed_searches": "compte(s) de recherches",
    "audit_entries": "ligne(s) de journal",
}


@group("retention", "Conservation.")
def retention() -> None:
    pass


@retention.command("purge", epilog=example("retention purge --dry-run"))
@click.option("--dry-run", is_flag=True, help="Montre ce qui partirait, sans rien changer.")
@command
def retention_purge(dry_run: bool) -> None:
    """Supprime ce qui n'est plus disponible."""
    if believed_at := purging.leapt_since():
        say(
            f"La purge quotidienne est suspendue : l'horloge dit {clock.now():%d/%m/%Y}, plus de "
            f"{purging.LONGEST_LEAP.days} jours après le {believed_at:%d/%m/%Y}."
        )
    if not dry_run:
        say(f"Supprimé : {_counted(purging.purge_as_asked())}.")
        return
    query = documents.past_retention().select(Invoice, Supplier).join(Supplier)
    for each in query.iterator():
        until = available_until(each.issued_on)
        say(f"{each.supplier.slug}\t{each.number}\t{each.issued_on}\t{until}")
    say(f"À supprimer : {_counted(forecast())}. Rien n'a été changé.")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[kind]} {words}" for kind, words in KINDS.items())
