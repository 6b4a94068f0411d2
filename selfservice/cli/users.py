"""What the operator does for users: list them, give a password, reset or close a login."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from selfservice.accounts import passwords, second_factor, users
from selfservice.accounts.messages import PASSWORD_FAULTS
from selfservice.cli.frame import Fault, command, example, group, login_argument, say


@group("users", "Utilisateurs.")
def users_group() -> None:
    pass


@contextmanager
def known(login: str) -> Iterator[None]:
    """Say in one line that no user has this login."""
    try:
        yield
    except users.UnknownLoginError as error:
        raise Fault(f"Aucun identifiant « {login} ».") from error


@users_group.command("list", epilog=example("users list"))
@command
def users_list() -> None:
    """Liste les identifiants, un par ligne."""
    for user in users.all_users():
        state = "fermé" if user.closed_at else "actif" if user.is_active else "désactivé"
        role = "administrateur" if user.is_administrator else "utilisateur"
        role = "conseiller" if user.is_adviser else role
        company = user.company
        say(
            f"{user.login}\t{state}\t{role}\t{company.supplier.slug}\t"
            f"{company.client_number}\t{company.name}"
        )


@users_group.command("set-password", epilog=example("users set-password pierre.durand_1"))
@login_argument
@click.password_option(
    "--password",
    metavar="MOT_DE_PASSE",
    prompt="Mot de passe",
    confirmation_prompt=True,
    help="Le mot de passe ; demandé s'il n'est pas donné, ce qui vaut mieux.",
)
@command
def users_set_password(login: str, password: str) -> None:
    """Donne un nouveau mot de passe à un identifiant."""
    try:
        with known(login):
            user = users.by_login(login)
        users.give_password(user, password)
    except passwords.PasswordRefusedError as error:
        words = " ".join(PASSWORD_FAULTS[fault] for fault in error.faults)
        raise Fault(words) from error
    say(f"Le mot de passe de {user.login} est enregistré.")


@users_group.command(
    "reset-second-factor", epilog=example("users reset-second-factor pierre.durand_1")
)
@login_argument
@command
def users_reset_second_factor(login: str) -> None:
    """Retire la double authentification d'un identifiant (téléphone et codes perdus)."""
    try:
        with known(login):
            user = users.reset_second_factor(login)
    except second_factor.NotSetUpError as error:
        raise Fault(f"{login} n'a pas de double authentification.") from error
    say(f"La double authentification de {user.login} est retirée.")


@users_group.command("close", epilog=example("users close pierre.durand_1"))
@login_argument
@command
def users_close(login: str) -> None:
    """Ferme un identifiant."""
    with known(login):
        user = users.close_login(login)
    say(f"L'identifiant {user.login} est fermé.")
