"""What the commands share: the group, an open database, faults in one line, the summary."""

import copy
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import wraps
from typing import Any

import click
from flask import Flask
from flask.cli import FlaskGroup, NoAppException, routes_command, run_command, shell_command

from selfservice import config, db, system_errors, texts
from selfservice.app import create_app
from selfservice.cli import french
from selfservice.cli.ownership import require_owner
from selfservice.deposits import messages as deposit_messages
from selfservice.deposits.errors import DepositError
from selfservice.operations import messages as operation_messages
from selfservice.operations import schema, version
from selfservice.operations.errors import OperationError
from selfservice.queue import queue
from selfservice.suppliers import messages as supplier_messages
from selfservice.suppliers.errors import SupplierError

# Flask's own commands, which speak English.
OF_FLASK = (
    (run_command, "Serveur de développement de Flask ; en service, « selfservice serve »."),
    (routes_command, "Liste les adresses du portail."),
    (shell_command, "Ouvre un interpréteur Python dans l'application."),
)


class NotConfiguredError(NoAppException):
    """No app can be built; told in one line."""

    exit_code = 1
    show = click.ClickException.show

    def format_message(self) -> str:
        return visible(super().format_message())


def _load_app() -> Flask:
    try:
        return create_app()
    except config.ConfigurationError as error:
        raise NotConfiguredError(f"Configuration : {error}") from error
    except OSError as error:
        raise NotConfiguredError(words_of(error)) from error


class Commands(FlaskGroup):
    """Flask's group. The app has no commands of its own, so none asks for an app to be found."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return click.Group.get_command(self, ctx, name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what click refuses may name an argument that others have named."""
        try:
            return super().invoke(ctx)
        except NotConfiguredError:
            raise
        except click.UsageError as error:
            told = visible(error.format_message()).replace("\n", "\\n")
            raise click.UsageError(told, error.ctx) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return click.Group.list_commands(self, ctx)


def _tell_version(context: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    if is_asked and not context.resilient_parsing:
        say(f"selfservice {version.full()}")
        context.exit()


def example(*commands: str) -> str:
    """Return what ends the help of a command: lines to type as they are."""
    title = "Exemple :" if len(commands) == 1 else "Exemples :"
    return "\n".join(["\b", title, *(f"  selfservice {each}" for each in commands)])


cli = Commands(
    name="selfservice",
    help=f"Le portail de factures. {french.HELP}",
    create_app=_load_app,
    add_default_commands=False,
    add_version_option=False,
    load_dotenv=False,
    callback=require_owner,
    context_settings={"max_content_width": 100},
    subcommand_metavar="COMMANDE [ARGUMENTS]...",
    epilog=example("init", "backup --help"),
)
cli.params = [  # instead of Flask's, which choose an app
    click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_tell_version,
        help="Montre la version du portail et son commit.",
    )
]
for _theirs, _words in OF_FLASK:
    _ours = copy.copy(_theirs)
    _ours.help = _ours.short_help = _words
    cli.add_command(_ours)


def group(name: str, words: str) -> Callable[[Callable[..., None]], click.Group]:
    """Declare a group of commands."""
    return cli.group(name, help=words, subcommand_metavar="COMMANDE [ARGUMENTS]...")


slug_argument = click.argument(
    "slug", metavar="SLUG", help="Nom court du fournisseur, comme « diac »."
)
login_argument = click.argument("login", metavar="LOGIN", help="L'identifiant.")


@contextmanager
def one_line_faults() -> Iterator[None]:
    """Turn what an operator can mend into one line on stderr and exit status 1."""
    try:
        yield
    except config.ConfigurationError as error:
        raise Fault(f"Configuration : {error}") from error
    except db.ERRORS as error:
        raise Fault(f"Base de données : {db.explain(error)}.") from error
    except SupplierError as error:
        raise Fault(supplier_messages.explain(error)) from error
    except OperationError as error:
        raise Fault(operation_messages.explain(error.name, error.facts)) from error
    except DepositError as error:
        raise Fault(deposit_messages.explain(error)) from error
    except UnicodeError as error:
        raise Fault("Un argument contient des octets illisibles.") from error
    except BrokenPipeError:
        raise  # the reader went away: click ends quietly
    except OSError as error:
        raise Fault(words_of(error)) from error


def words_of(error: OSError) -> str:
    """Return path, cause and remedy of what the system refuses."""
    return f"{error.filename or 'Système'} : {system_errors.explain(error)}."


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command an open database of this version, and one line for each fault."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        with one_line_faults(), db.connection(), closing(queue):
            schema.require()
            function(*args, **kwargs)

    return run


def temporary(function: Callable[..., None]) -> Callable[..., None]:
    """Have a mail server that calls a command call it again later, whatever went wrong."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except Fault as fault:
            raise TemporaryFault(fault.message) from fault

    return run


def agrees(question: str) -> bool:
    """Ask a person at a terminal; whatever is no « oui » is a no."""
    answer: str = click.prompt(visible(question), default="non", prompt_suffix=" ")
    return answer.strip().lower() in ("o", "oui", "y", "yes")


def visible(text: str) -> str:
    """Return lines, with tabs between their cells, in which nothing else commands a terminal."""
    return texts.visible(text, kept="\n\t")


def say(text: str, *, err: bool = False) -> None:
    """Print lines on stdout, or on stderr."""
    click.echo(visible(text), err=err)


def say_fault(text: str) -> None:
    """Print one line on stderr, whatever a name of others holds: it cannot forge a second one."""
    say(text.replace("\n", "\\n"), err=True)


def say_cells(*cells: object) -> None:
    """Print one line of a list: its cells between tabs, each on one line."""
    say("\t".join(" ".join(str(cell).split()) for cell in cells))


class Fault(click.ClickException):
    """What stops a command: one line on stderr and exit status 1."""

    def format_message(self) -> str:
        return visible(self.message)


class TemporaryFault(Fault):
    """Of what is worth trying again."""

    exit_code = os.EX_TEMPFAIL


def finish(summary: str, faults: list[str]) -> None:
    """Print the summary on stdout and the faults on stderr; a fault means exit status 1."""
    say(summary)
    for fault in faults:
        say_fault(fault)
    if faults:
        sys.exit(1)
