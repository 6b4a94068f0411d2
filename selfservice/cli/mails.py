"""Notifications and the mail."""

from datetime import datetime

import click

from selfservice import clock, mail
from selfservice.cli.frame import Fault, command, example, finish, group, say, say_cells
from selfservice.invoices.queries import MAX_ID
from selfservice.notifications import chain, messages, reminders, send
from selfservice.suppliers.addresses import address_key
from selfservice.suppliers.models import Company


@group("notifications", "Notifications.")
def notifications() -> None:
    pass


@notifications.command("send", epilog=example("notifications send --digest"))
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


@group("mail", "Boîte d'envoi.")
def outbox_group() -> None:
    pass


@outbox_group.command("deliver", epilog=example("mail deliver"))
@command
def mail_deliver() -> None:
    """Envoie les mails en attente."""
    report = mail.deliver_due()
    finish(
        f"{report.sent} mail(s) envoyé(s), {report.deferred} reporté(s), "
        f"{report.failed} refusé(s), {report.dropped} abandonné(s).",
        report.faults,
    )


@outbox_group.command(
    "list", epilog=example("mail list", "mail list --address pierre.durand@example.com --attempts")
)
@click.option(
    "--address", metavar="ADRESSE", help="Une adresse seulement, et où en sont ses sociétés."
)
@click.option("--attempts", is_flag=True, help="Montre aussi chaque essai.")
@command
def mail_list(address: str | None, attempts: bool) -> None:
    """Liste la boîte d'envoi, un mail par ligne."""
    key = address_key(address) if address else None
    next_attempt_at = mail.next_attempts()
    for row in mail.mails(address_key=key).iterator():
        state = messages.state_of(row).lower()
        detail = _detail(row, next_attempt_at(row))
        say_cells(row.id, _minute(row.created_at), state, row.to_address, row.subject, detail)
        for attempt in mail.attempts_of(row) if attempts else ():
            say_cells(
                "", _minute(attempt.at), messages.STATE_LABELS[attempt.outcome], attempt.answer
            )
    if key is not None:
        _echo_registrations(key)


@outbox_group.command("retry", epilog=example("mail retry 1042"))
@click.argument(
    "mail_id",
    metavar="ID",
    type=click.IntRange(1, MAX_ID),
    help="Numéro du mail, que « mail list » écrit en tête de ligne.",
)
@command
def mail_retry(mail_id: int) -> None:
    """Remet un mail en attente."""
    try:
        row = mail.retry(mail_id)
    except mail.UnknownMailError as error:
        raise Fault(f"Aucun mail à renvoyer sous le numéro {mail_id}.") from error
    say(f"Le mail {row.id} pour {row.to_address} est de nouveau en attente.")


def _detail(row: mail.OutboxMail, next_attempt_at: datetime) -> str:
    """Return the answer in words, the server's own in brackets, and when it is tried again."""
    answer = f"({row.answer})" if row.answer else ""
    words = " ".join(filter(None, (messages.why(row), answer)))
    if row.state != "queued":
        return words
    again = f"essai le {_minute(next_attempt_at)}, jusqu'au {_minute(row.deadline_at)}"
    return f"{words} ; {again}" if words else again


def _echo_registrations(key: str) -> None:
    """Say for each company of an address why it may have got nothing yet."""
    found = chain.registrations(Company.email_key == key)
    for each in found:
        company = each.company
        since = _minute(each.activated_at or company.email_registered_at)
        state = messages.REGISTRATION_STATES[each.state].lower()
        whose = f"{company.supplier.slug} {company.client_number} {company.name}"
        mode = f"notification {company.notification}"
        say_cells("-", since, state, company.email, whose, mode)
    if not found:
        say_cells("-", "", messages.NO_COMPANY, key)


def _minute(instant: datetime | None) -> str:
    return f"{clock.paris(instant):%Y-%m-%d %H:%M}" if instant else ""
