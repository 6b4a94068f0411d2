"""The supplier's advisers: added, listed, closed."""

import click

from selfservice.advisers import team
from selfservice.cli.frame import (
    Fault,
    command,
    example,
    group,
    login_argument,
    say,
    say_cells,
    slug_argument,
)
from selfservice.cli.users import known
from selfservice.suppliers import registration


@group("advisers", "Conseillers clientèle d'un fournisseur.")
def advisers() -> None:
    pass


@advisers.command("add", epilog=example("advisers add diac nadia --email nadia@diac.example"))
@slug_argument
@login_argument
@click.option("--email", metavar="ADRESSE", required=True, help="Son adresse mail.")
@command
def advisers_add(slug: str, login: str, email: str) -> None:
    """Ajoute un conseiller, qui choisit son mot de passe par récupération avec cette adresse."""
    supplier = registration.get_supplier(slug)
    try:
        adviser = team.add_adviser(supplier, login, email=email)
    except team.WrongLoginError as error:
        raise Fault("Un identifiant ne contient ni espace, ni « : », ni « / ».") from error
    except team.WrongAddressError as error:
        raise Fault(f"« {email} » n'est pas une adresse mail.") from error
    except team.LoginTakenError as error:
        raise Fault(f"L'identifiant « {login} » est déjà pris : choisissez-en un autre.") from error
    say(
        f"Conseiller {adviser.login} ajouté chez {supplier.slug}. Il choisit son mot de passe par "
        f"« Mot de passe ou identifiant oublié » avec {adviser.email}."
    )


@advisers.command("list", epilog=example("advisers list"))
@command
def advisers_list() -> None:
    """Liste les conseillers, un par ligne."""
    for each in team.all_advisers():
        state = (
            "fermé" if each.closed_at else "actif" if each.password_hash else "sans mot de passe"
        )
        say_cells(each.login, state, each.company.supplier.slug, each.email or "-")


@advisers.command("close", epilog=example("advisers close nadia"))
@login_argument
@command
def advisers_close(login: str) -> None:
    """Ferme l'identifiant d'un conseiller."""
    with known(login):
        adviser = team.close_adviser(login)
    say(f"L'identifiant du conseiller {adviser.login} est fermé.")
