"""What the commands share: the group, an open database, faults in one line, the summary."""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import wraps
from typing import Any

import click
from flask import Flask
from flask.cli import FlaskGroup, NoAppException

from selfservice import config, db
from selfservice.app import create_app
from selfservice.cli.ownership import require_owner
from selfservice.deposits import messages as deposit_messages
from selfservice.deposits.errors import DepositError
from selfservice.operations import messages as operation_messages
from selfservice.operations.errors import OperationError
from selfservice.queue import queue
from selfservice.suppliers import messages as supplier_messages
from selfservice.suppliers.errors import SupplierError


class NotConfiguredError(NoAppException):
    """No app can be built; told in one line, and the list of commands still shows."""

    exit_code = 1
    show = click.ClickException.show


def _load_app() -> Flask:
    try:
        return create_app()
    except config.ConfigurationError as error:
        raise NotConfiguredError(f"Configuration : {error}") from error


cli = FlaskGroup(
    name="selfservice",
    help="Portail de factures E-Facture.",
    create_app=_load_app,
    add_default_commands=True,
    add_version_option=False,
    load_dotenv=False,
    callback=require_owner,
)


@contextmanager
def one_line_faults() -> Iterator[None]:
    """Turn what an operator can mend into one line on stderr and exit status 1."""
    try:
        yield
    except config.ConfigurationError as error:
        raise Fault(f"Configuration : {error}") from error
    except db.ERRORS as error:
        raise Fault(f"Base de données : {error}") from error
    except SupplierError as error:
        raise Fault(supplier_messages.explain(error)) from error
    except DepositError as error:
        raise Fault(deposit_messages.explain(error)) from error
    except UnicodeError as error:
        raise Fault("Un argument contient des octets illisibles.") from error
    except BrokenPipeError:
        raise  # the reader went away: click ends quietly
    except OSError as error:
        raise Fault(f"{error.filename or 'Système'} : {error.strerror}") from error


@contextmanager
def explained() -> Iterator[None]:
    """Say in one line why an instance cannot be made, served, saved or restored."""
    try:
        yield
    except OperationError as error:
        raise Fault(operation_messages.explain(error.name, error.facts)) from error


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command an open and migrated database, and one line for each fault."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        with one_line_faults(), db.connection(), closing(queue):
            require_migrated()
            function(*args, **kwargs)

    return run


def require_migrated() -> None:
    if db.pending_migrations():
        raise Fault("La base n'est pas à jour : lancez d'abord « selfservice init ».")


def visible(text: str) -> str:
    """Return a text in which nothing commands a terminal: names and answers are others' words."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode()
        for each in text
    )


def say(text: str, *, err: bool = False) -> None:
    """Print lines on stdout, or on stderr."""
    click.echo(visible(text), err=err)


class Fault(click.ClickException):
    """What stops a command: one line on stderr and exit status 1."""

    def format_message(self) -> str:
        return visible(self.message)


def finish(summary: str, faults: list[str]) -> None:
    """Print the summary on stdout and the faults on stderr; a fault means exit status 1."""
    say(summary)
    for fault in faults:
        say(fault, err=True)
    if faults:
        sys.exit(1)
