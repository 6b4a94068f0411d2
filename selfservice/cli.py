"""The command `selfservice`: each command calls one use case and reports in French."""

import logging
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import FlaskGroup, NoAppException
from huey.exceptions import ConfigurationError as HueyConfigurationError
from peewee import PeeweeException

from selfservice import clock, config, create_app, db, installation, outbox, server, worker
from selfservice.accounts import passwords, users
from selfservice.accounts.messages import PASSWORD_FAULTS
from selfservice.demo import fill
from selfservice.demo import instance as demo_instance
from selfservice.invoices import deposit
from selfservice.invoices import labels as invoice_labels
from selfservice.invoices.errors import DepositError
from selfservice.invoices.queries import MAX_ID
from selfservice.notifications import send
from selfservice.suppliers import labels as supplier_labels
from selfservice.suppliers import register, registration
from selfservice.suppliers.addresses import address_key
from selfservice.suppliers.errors import SupplierError

MAIL_STATES = {
    "queued": "en attente",
    "sending": "en cours d'envoi",
    "sent": "envoyé",
    "failed": "refusé",
    "dropped": "abandonné",
}


class NotConfiguredError(NoAppException):
    """No app can be built; told in one line, and the list of commands still shows."""

    exit_code = 1
    show = click.ClickException.show


def _load_app() -> Flask:
    try:
        return create_app()
    except config.ConfigurationError as error:
        raise NotConfiguredError(f"Configuration : {error}") from error


def main() -> None:
    """Run the command; the entry point of the package."""
    cli(prog_name="selfservice")


cli = FlaskGroup(
    name="selfservice",
    help="Portail de factures E-Facture.",
    create_app=_load_app,
    add_default_commands=True,
    add_version_option=False,
    # The development server too computes one request at a time: see `server`.
    context_settings={"default_map": {"run": {"with_threads": False}}},
    load_dotenv=False,
)


@contextmanager
def _one_line_faults() -> Iterator[None]:
    """Turn what an operator can mend into one line on stderr and exit status 1."""
    try:
        yield
    except config.ConfigurationError as error:
        raise click.ClickException(f"Configuration : {error}") from error
    except (PeeweeException, sqlite3.Error) as error:
        raise click.ClickException(f"Base de données : {error}") from error
    except SupplierError as error:
        raise click.ClickException(supplier_labels.explain(error)) from error
    except DepositError as error:
        raise click.ClickException(invoice_labels.explain(error)) from error
    except UnicodeError as error:
        raise click.ClickException("Un argument contient des octets illisibles.") from error
    except BrokenPipeError:
        raise  # the reader went away: click ends quietly
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'Système'} : {error.strerror}") from error


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command an open and migrated database, and one line for each fault."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        with _one_line_faults(), db.connection():
            _require_migrated()
            function(*args, **kwargs)

    return run


def _require_migrated() -> None:
    if db.pending_migrations():
        raise click.ClickException(
            "La base n'est pas à jour : lancez d'abord « selfservice init »."
        )


def _finish(summary: str, faults: list[str]) -> None:
    """Print the summary on stdout and the faults on stderr; a fault means exit status 1."""
    click.echo(summary)
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        sys.exit(1)


@cli.command(with_appcontext=False)
def init() -> None:
    """Prépare l'instance : dossier, clé secrète, base, migrations (répétable)."""
    instance = config.instance_path()
    with _one_line_faults():
        installed = installation.install(instance)
    key = "créée" if installed.is_key_new else "déjà là"
    click.echo(
        f"Instance {instance} : clé secrète {key}, "
        f"{len(installed.migrations)} migration(s) faite(s)."
    )


@cli.command(with_appcontext=False)
def demo() -> None:
    """Remplit une instance neuve avec les données de démonstration (répétable)."""
    with _one_line_faults():
        try:
            demo_instance.prepare(config.instance_path())
        except demo_instance.NotADemonstrationError as error:
            raise click.ClickException(
                f"{error.instance} contient déjà des données qui ne sont pas de démonstration."
            ) from error
        with create_app().app_context(), db.connection():
            db.migrate()
            report = fill.fill()
            lines = fill.welcome_lines()
    _finish("\n".join([report.summary, *lines]), report.faults)


@cli.command(with_appcontext=False)
@click.option("--host", default="127.0.0.1", show_default=True, help="Adresse d'écoute.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", type=click.IntRange(1, 64), help="Processus (un par cœur par défaut).")
def serve(host: str, port: int, workers: int | None) -> None:
    """Sert le portail."""
    with _one_line_faults(), create_app().app_context(), db.connection():
        _require_migrated()
    try:
        with _one_line_faults():
            server.serve(host=host, port=port, workers=workers)
    except server.PortTakenError as error:
        raise click.ClickException(f"L'adresse {error} est déjà prise.") from error


@cli.command("worker", with_appcontext=False)
def run_worker() -> None:
    """Envoie mails et notifications en arrière-plan."""
    with _one_line_faults():
        app = create_app()
        with app.app_context(), db.connection():
            _require_migrated()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        worker.run(app)
    except (HueyConfigurationError, sqlite3.Error) as error:
        raise click.ClickException(f"File d'attente : {error}") from error


@cli.group()
def suppliers() -> None:
    """Fournisseurs."""


@suppliers.command("set")
@click.argument("slug")
@click.option("--name", help="Nom affiché.")
@click.option("--siren", help="SIREN, 9 chiffres.")
@click.option("--hostname", help="Nom d'hôte de son portail.")
@click.option("--opened-on", help="Premier jour repris, AAAA-MM-JJ ; vide : sans limite.")
@click.option("--platform-since", help="Début des « copies », AAAA-MM-JJ ; vide : jamais.")
@click.option("--colour", help="Couleur, #rrggbb.")
@click.option("--logo", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--contact", help="Qui joindre, en une phrase.")
@_command
def suppliers_set(slug: str, **changes: Any) -> None:
    """Crée ou met à jour un fournisseur."""
    supplier, is_new = registration.set_supplier(slug, **changes)
    click.echo(f"Fournisseur {supplier.slug} {'créé' if is_new else 'mis à jour'}.")


@cli.group()
def companies() -> None:
    """Sociétés clientes."""


@companies.command("import")
@click.argument("slug")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_command
def companies_import(slug: str, file: Path) -> None:
    """Importe le registre des conseillers (CSV)."""
    report = register.import_companies(registration.get_supplier(slug), file)
    _finish(report.summary, report.fault_lines)


@cli.group()
def invoices() -> None:
    """Documents."""


@invoices.command("deposit")
@click.argument("slug")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_command
def invoices_deposit(slug: str, folder: Path) -> None:
    """Dépose un dossier de PDF ; les refus sont dans rejets.csv."""
    supplier = registration.get_supplier(slug)
    with click.progressbar(
        length=deposit.count_candidates(folder),
        label="Dépôt",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        report = deposit.deposit_folder(supplier, folder, on_progress=bar.update)
    _finish(report.summary, invoice_labels.refusal_lines(report))


@cli.group()
def notifications() -> None:
    """Notifications."""


@notifications.command("send")
@click.option("--digest", is_flag=True, help="Prépare aussi le mail du jour, avant son heure.")
@_command
def notifications_send(digest: bool) -> None:
    """Crée les utilisateurs et prépare les mails qui sont dus."""
    report = send.send_due()
    if digest:
        report.add(send.send_digests(clock.today()))
    _finish(
        f"{report.announced} document(s) traité(s), {report.activated} compte(s) activé(s), "
        f"{report.notified} notification(s) et {report.digests} récapitulatif(s) à envoyer.",
        report.faults,
    )


@cli.group()
def mail() -> None:
    """Boîte d'envoi."""


@mail.command("deliver")
@_command
def mail_deliver() -> None:
    """Envoie les mails en attente."""
    report = outbox.deliver_due()
    _finish(
        f"{report.sent} mail(s) envoyé(s), {report.deferred} reporté(s), "
        f"{report.failed} refusé(s), {report.dropped} abandonné(s).",
        report.faults,
    )


@mail.command("list")
@click.option("--address", help="Une adresse seulement.")
@_command
def mail_list(address: str | None) -> None:
    """Liste la boîte d'envoi, un mail par ligne."""
    for row in outbox.mails(address_key=address_key(address) if address else None):
        click.echo(
            f"{row.id}\t{row.created_at:%Y-%m-%d %H:%M}\t{MAIL_STATES[row.state]}\t"
            f"{row.to_address}\t{row.subject}\t{' '.join(row.answer.split())}"
        )


@mail.command("retry")
@click.argument("mail_id", type=click.IntRange(1, MAX_ID))
@_command
def mail_retry(mail_id: int) -> None:
    """Remet un mail en attente."""
    try:
        row = outbox.retry(mail_id)
    except outbox.UnknownMailError as error:
        raise click.ClickException(f"Aucun mail à renvoyer sous le numéro {mail_id}.") from error
    click.echo(f"Le mail {row.id} pour {row.to_address} est de nouveau en attente.")


@cli.group("users")
def users_group() -> None:
    """Utilisateurs."""


@users_group.command("list")
@_command
def users_list() -> None:
    """Liste les identifiants, un par ligne."""
    for user in users.all_users():
        state = "fermé" if user.closed_at else "actif" if user.is_active else "désactivé"
        role = "administrateur" if user.is_administrator else "utilisateur"
        company = user.company
        click.echo(
            f"{user.login}\t{state}\t{role}\t{company.supplier.slug}\t"
            f"{company.client_number}\t{company.name}"
        )


@users_group.command("set-password")
@click.argument("login")
@click.password_option("--password", prompt="Mot de passe", confirmation_prompt=True)
@_command
def users_set_password(login: str, password: str) -> None:
    """Donne un nouveau mot de passe à un identifiant."""
    try:
        user = users.by_login(login)
        users.give_password(user, password)
    except users.UnknownLoginError as error:
        raise click.ClickException(f"Aucun identifiant « {login} ».") from error
    except passwords.PasswordRefusedError as error:
        words = " ".join(PASSWORD_FAULTS[fault] for fault in error.faults)
        raise click.ClickException(words) from error
    click.echo(f"Le mot de passe de {user.login} est enregistré.")


@users_group.command("close")
@click.argument("login")
@_command
def users_close(login: str) -> None:
    """Ferme un identifiant."""
    try:
        user = users.close_login(login)
    except users.UnknownLoginError as error:
        raise click.ClickException(f"Aucun identifiant « {login} ».") from error
    click.echo(f"L'identifiant {user.login} est fermé.")
