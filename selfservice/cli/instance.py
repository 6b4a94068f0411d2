"""`init`, `demo`, `serve` and `worker`."""

import logging
from collections.abc import Callable
from time import sleep

import click
from flask import Flask

from selfservice import config, db, logs, server, turns, worker
from selfservice.app import create_app
from selfservice.cli.frame import Fault, cli, example, finish, one_line_faults, say
from selfservice.demo import instance as demo_instance
from selfservice.operations import installation, schema, shared_key
from selfservice.queue import queue

WAIT_SECONDS = 2

log = logging.getLogger(__name__)


@cli.command(with_appcontext=False, epilog=example("init"))
@click.option(
    "--new-key", is_flag=True, help="Fait de la clé secrète de cet hôte celle du portail."
)
def init(new_key: bool) -> None:
    """Prépare l'instance : dossier, clé secrète, base, migrations (répétable).

    Avant une migration, une copie de la base reste dans l'instance.
    """
    instance = config.instance_path()
    with one_line_faults():
        installed = installation.install(instance, is_key_taken=new_key)
    key = "créée" if installed.is_key_new else "déjà là"
    say(
        f"Instance {instance} : clé secrète {key}, "
        f"{len(installed.migrations)} migration(s) faite(s)."
        + (f" La base d'avant : {installed.copy}" if installed.copy else "")
    )


@cli.command(with_appcontext=False, epilog=example("demo"))
def demo() -> None:
    """Remplit une instance neuve avec les données de démonstration (répétable)."""
    from selfservice.demo import fill  # its PDF writers take as long to load as the portal

    with one_line_faults():
        try:
            demo_instance.prepare(config.instance_path())
        except demo_instance.NotADemonstrationError as error:
            raise Fault(
                f"{error.instance} contient déjà des données qui ne sont pas de démonstration."
            ) from error
        with create_app().app_context(), db.connection():
            db.migrate()
            report = fill.fill()
            lines = fill.welcome_lines()
    finish("\n".join([report.summary, *lines]), report.faults)


def _ready_app() -> Flask:
    """Build the app of an instance that may be opened to visitors."""
    with one_line_faults():
        app = create_app()
        logs.configure(app.config["LOG_LEVEL"])
        _wait_for(_open_database)
        with app.app_context(), db.connection():
            schema.require()
            shared_key.require_shared(app.config)
            demo_instance.require_alone(app.config)
    return app


def _open_database() -> None:
    with db.connection():
        pass


def _wait_for(opening: Callable[[], object]) -> None:
    """Wait for what opens by itself one day: a server that is away, a disk that is read-only."""
    while True:
        try:
            opening()
            return
        except db.FAULTS as error:
            if not db.may_pass():
                raise
            log.error("waiting for the database: %s", db.explain(error))
            sleep(WAIT_SECONDS)


@cli.command(with_appcontext=False, epilog=example("serve", "serve --port 8001 --threads 8"))
@click.option(
    "--host", default="127.0.0.1", metavar="ADRESSE", show_default=True, help="Adresse d'écoute."
)
@click.option(
    "--port",
    default=8000,
    metavar="PORT",
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port d'écoute.",
)
@click.option(
    "--threads",
    default=turns.THREADS,
    metavar="NOMBRE",
    show_default=True,
    type=click.IntRange(1, 64),
    help="Requêtes traitées en même temps.",
)
def serve(host: str, port: int, threads: int) -> None:
    """Sert le portail, jusqu'à l'arrêt du service ou Ctrl-C."""
    _ready_app()
    try:
        with one_line_faults():
            server.serve(host=host, port=port, threads=threads)
    except server.PortTakenError as error:
        raise Fault(
            f"L'adresse {error} est déjà prise ; libérez-la, ou donnez un autre --port."
        ) from error


@cli.command("worker", with_appcontext=False, epilog=example("worker"))
def run_worker() -> None:
    """Envoie mails et notifications en arrière-plan, jusqu'à l'arrêt du service ou Ctrl-C."""
    from huey.exceptions import ConfigurationError as QueueError

    app = _ready_app()
    faults: tuple[type[Exception], ...] = (QueueError, *db.ERRORS)
    try:
        _wait_for(lambda: queue.huey)
        worker.run(app)
    except faults as error:
        place = app.config["QUEUE_URL"].removeprefix("sqlite:///")
        raise Fault(f"File d'attente : {db.explain(error, place)}.") from error
