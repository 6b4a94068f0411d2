"""What the accounts' pages say, in French: labels of the rule, faults, outcomes."""

from collections.abc import Mapping

from selfservice.accounts.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH
from selfservice.help import HelpfulText

FORGOTTEN = "mot-de-passe-oublie"
CHOOSING = "choisir-le-mot-de-passe"
SIGNING_IN = "se-connecter"
SECOND_FACTOR = "double-authentification"

# The seed's rule (FAQ 9) in the order in which it is shown.
PASSWORD_RULES = {
    "short": f"au moins {MINIMUM_LENGTH} caractères",
    "upper": "une majuscule",
    "digit": "un chiffre",
    "special": "un caractère spécial (ni lettre ni chiffre)",
}
PASSWORD_FAULTS = {
    "short": f"Le mot de passe doit contenir au moins {MINIMUM_LENGTH} caractères.",
    "long": f"Le mot de passe ne doit pas dépasser {MAXIMUM_LENGTH} caractères.",
    "upper": "Le mot de passe doit contenir au moins une majuscule.",
    "digit": "Le mot de passe doit contenir au moins un chiffre.",
    "special": (
        "Le mot de passe doit contenir au moins un caractère spécial (ni lettre ni chiffre)."
    ),
    "common": "Ce mot de passe est trop courant : choisissez-en un que personne ne devinera.",
    "login": "Le mot de passe ne doit pas contenir l’identifiant.",
    "name": "Le mot de passe ne doit contenir ni un nom de personne, ni celui de la société.",
}
PASSWORDS_DIFFER = HelpfulText("Les deux mots de passe sont différents.", CHOOSING)
WRONG_PASSWORD = HelpfulText("Le mot de passe actuel est incorrect.", FORGOTTEN)

BAD_CREDENTIALS = HelpfulText("Identifiant ou mot de passe incorrect.", "connexion-impossible")
LOGIN_MISSING = HelpfulText("Saisissez votre identifiant.", "retrouver-identifiant")
PASSWORD_MISSING = HelpfulText("Saisissez votre mot de passe.", FORGOTTEN)
ADDRESS_MISSING = HelpfulText("Saisissez votre adresse mail.", FORGOTTEN)
ADDRESS_MALFORMED = HelpfulText(
    "Saisissez une adresse mail complète, par exemple nom@societe.fr.", FORGOTTEN
)
CHOOSE_LOGIN = HelpfulText("Choisissez un identifiant dans la liste.", "suivre-le-lien")
OTHER_LINK_OPENED = HelpfulText(
    "Un autre lien a été ouvert depuis dans ce navigateur : vérifiez l’identifiant, "
    "puis choisissez son mot de passe.",
    "suivre-le-lien",
)
CONFIRMATION_MISSING = HelpfulText("Saisissez une seconde fois le mot de passe.", CHOOSING)
CODE_MISSING = HelpfulText("Saisissez le code affiché par votre application.", SECOND_FACTOR)
WRONG_CODE = HelpfulText(
    "Ce code n’est pas valable, ou a déjà servi. Attendez le code suivant de votre application.",
    SECOND_FACTOR,
)
TOO_LONG = HelpfulText("Ce texte est trop long.", "qui-contacter")
MALFORMED = HelpfulText(
    "Ce texte contient des caractères invisibles ou impossibles à enregistrer.", "qui-contacter"
)

PASSWORD_CHOSEN = "Votre mot de passe est enregistré. Vous pouvez vous connecter."  # noqa: S105
CHOSEN_FOR_ALL = (
    "Votre mot de passe est enregistré pour vos {count} identifiants. Vous pouvez vous connecter."
)
PASSWORD_CHANGED = "Votre mot de passe est modifié."  # noqa: S105
PREFERENCES_SAVED = "Vos préférences sont enregistrées."
ACCOUNT_SAVED = "Vos coordonnées sont enregistrées."
CODE_TOO_LATE = "Cette connexion n’est plus valable. Saisissez à nouveau votre mot de passe."
SETUP_TOO_LATE = "Cette configuration n’est plus valable. Recommencez."
SECOND_FACTOR_OFF = "La double authentification est désactivée."
SECOND_FACTOR_DEMANDED = "Votre société exige la double authentification."
SIGNED_OUT = "Vous êtes déconnecté."
SESSION_ENDED = (
    "Votre session s’est terminée. Connectez-vous : vous retrouverez votre saisie, "
    "sauf les mots de passe."
)
ALREADY_SIGNED_IN = (
    "Vous êtes déjà connecté avec l’identifiant {login}. Pour en changer, déconnectez-vous d’abord."
)
SESSION_CLOSED = "La session est fermée."
OTHER_SESSIONS_CLOSED = "Vos autres sessions sont fermées."
ALL_SESSIONS_CLOSED = "Toutes vos sessions sont fermées, celle-ci comprise."


def password_chosen(count: int) -> str:
    """Return the message for a password chosen for one login, or for several."""
    return PASSWORD_CHOSEN if count == 1 else CHOSEN_FOR_ALL.format(count=count)


def password_faults(
    names: list[str], logins: Mapping[str, list[str]] | None = None
) -> list[HelpfulText]:
    """Return the message of each broken part of the rule.

    `logins` names the logins that a fault concerns, if several were to get the password.
    """
    found = []
    for name in names:
        text = PASSWORD_FAULTS[name]
        if concerned := (logins or {}).get(name):
            text = f"{text.rstrip('.')} (cela concerne {', '.join(concerned)})."
        found.append(HelpfulText(text, CHOOSING))
    return found
