"""Notifications and the mail."""

import sys
from datetime import datetime

import click
from flask import current_app

from selfservice import clock, mail
from selfservice.accounts import ended
from selfservice.cli.frame import Fault, command, example, finish, group, say, say_cells, temporary
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
    ended.tell_asked()
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
@click.option(
    "--returned", is_flag=True, help="Seulement les mails revenus, refusés ou abandonnés."
)
@click.option("--attempts", is_flag=True, help="Montre aussi chaque essai.")
@command
def mail_list(address: str | None, returned: bool, attempts: bool) -> None:
    """Liste la boîte d'envoi, un mail par ligne."""
    key = address_key(address) if address else None
    next_attempt_at = mail.next_attempts()
    for row in mail.mails(address_key=key, is_returned=returned).iterator():
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


@outbox_group.command("bounce", epilog=example("mail bounce < retour.eml", "mail bounce --box"))
@click.option("--box", is_flag=True, help="Lit plutôt la boîte de MAIL_BOUNCES.")
@temporary
@command
def mail_bounce(box: bool) -> None:
    """Lit un mail revenu, sur l'entrée standard, et note ce qu'il est devenu."""
    if box:
        _read_box()
        return
    content = sys.stdin.buffer.read(mail.MAX_BYTES)
    while sys.stdin.buffer.read(mail.MAX_BYTES):  # whoever writes it may take a closed pipe ill
        pass
    try:
        bounce = mail.receive(content)
    except mail.TooEarlyError as error:
        raise Fault("Ce mail part à l'instant : relisez son retour dans une minute.") from error
    say(messages.BOUNCE_SUMMARY[bounce.outcome].format(mail=bounce.mail, why=_why_of(bounce.mail)))


def _why_of(row: mail.OutboxMail | None) -> str:
    return messages.why(mail.OutboxMail.get_by_id(row.id)) if row else ""


def _read_box() -> None:
    if not current_app.config["MAIL_BOUNCES"]:
        raise Fault("MAIL_BOUNCES ne nomme aucune boîte.")
    try:
        report = mail.read_box()
    except mail.BoxError as error:
        raise Fault(f"{error}.") from error
    finish(
        f"{report.returned} mail(s) revenu(s), {report.delayed} retard(s), "
        f"{report.ignored} sans effet.",
        report.faults,
    )


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
