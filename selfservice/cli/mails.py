"""Notifications and the outbox."""

import click

from selfservice import clock, outbox
from selfservice.cli.frame import cli, command, finish
from selfservice.invoices.queries import MAX_ID
from selfservice.notifications import reminders, send
from selfservice.suppliers.addresses import address_key

MAIL_STATES = {
    "queued": "en attente",
    "sending": "en cours d'envoi",
    "sent": "envoyé",
    "failed": "refusé",
    "dropped": "abandonné",
}


@cli.group()
def notifications() -> None:
    """Notifications."""


@notifications.command("send")
@click.option("--digest", is_flag=True, help="Prépare aussi le mail du jour, avant son heure.")
@command
def notifications_send(digest: bool) -> None:
    """Crée les utilisateurs et prépare les mails qui sont dus."""
    report = send.send_due()
    if digest:
        report.add(send.send_digests(clock.today()))
    report.add(reminders.send_reminders())
    finish(
        f"{report.announced} document(s) traité(s), {report.activated} compte(s) activé(s), "
        f"{report.notified} notification(s), {report.digests} récapitulatif(s) "
        f"et {report.reminded} rappel(s) à envoyer.",
        report.faults,
    )


@cli.group()
def mail() -> None:
    """Boîte d'envoi."""


@mail.command("deliver")
@command
def mail_deliver() -> None:
    """Envoie les mails en attente."""
    report = outbox.deliver_due()
    finish(
        f"{report.sent} mail(s) envoyé(s), {report.deferred} reporté(s), "
        f"{report.failed} refusé(s), {report.dropped} abandonné(s).",
        report.faults,
    )


@mail.command("list")
@click.option("--address", help="Une adresse seulement.")
@command
def mail_list(address: str | None) -> None:
    """Liste la boîte d'envoi, un mail par ligne."""
    for row in outbox.mails(address_key=address_key(address) if address else None):
        click.echo(
            f"{row.id}\t{row.created_at:%Y-%m-%d %H:%M}\t{MAIL_STATES[row.state]}\t"
            f"{row.to_address}\t{row.subject}\t{' '.join(row.answer.split())}"
        )


@mail.command("retry")
@click.argument("mail_id", type=click.IntRange(1, MAX_ID))
@command
def mail_retry(mail_id: int) -> None:
    """Remet un mail en attente."""
    try:
        row = outbox.retry(mail_id)
    except outbox.UnknownMailError as error:
        raise click.ClickException(f"Aucun mail à renvoyer sous le numéro {mail_id}.") from error
    click.echo(f"Le mail {row.id} pour {row.to_address} est de nouveau en attente.")
