"""What the administrator's pages say, in French."""

from selfservice.administration.profiles import CONTRACT_LENGTH, MAX_CONTRACTS
from selfservice.help import HelpfulText

COLLEAGUES = "acces-collaborateurs"

LOGIN_MISSING = HelpfulText("Choisissez un login, par exemple l’adresse mail.", COLLEAGUES)
LOGIN_TAKEN = HelpfulText("Ce login est déjà pris : choisissez-en un autre.", COLLEAGUES)
LOGIN_SPACED = HelpfulText("Un login ne contient pas d’espace.", COLLEAGUES)
LOGIN_FOREIGN = HelpfulText(
    "Un login s’écrit avec des lettres latines, des chiffres et des signes courants.", COLLEAGUES
)
PASSWORD_MISSING = HelpfulText("Choisissez un mot de passe.", COLLEAGUES)
PASSWORD_AGAIN_MISSING = HelpfulText("Saisissez une seconde fois le mot de passe.", COLLEAGUES)
COMPANY_MISSING = HelpfulText("Choisissez une société.", COLLEAGUES)
ADDRESS_MALFORMED = HelpfulText(
    "Saisissez une adresse mail complète, par exemple nom@societe.fr.", COLLEAGUES
)
PROFILE_FOREIGN = HelpfulText(
    "Ce profil est celui d’une autre société : choisissez-en un de la société de la personne.",
    COLLEAGUES,
)
ADMINISTRATOR_LIMITED = HelpfulText(
    "Un administrateur lit toutes les factures de sa société : choisissez « Aucun... » ou "
    "décochez « Administrateur ».",
    COLLEAGUES,
)
LAST_ADMINISTRATOR = HelpfulText(
    "La société doit garder un administrateur actif : nommez-en un autre d’abord.", COLLEAGUES
)
PROFILE_NAME_MISSING = HelpfulText("Donnez un nom au profil.", COLLEAGUES)
PROFILE_NAME_TAKEN = HelpfulText(
    "La société a déjà un profil de ce nom : choisissez-en un autre.", COLLEAGUES
)
CONTRACTS_MISSING = HelpfulText("Choisissez au moins un contrat.", COLLEAGUES)
CONTRACT_TOO_LONG = HelpfulText(
    f"Un numéro de contrat ne dépasse pas {CONTRACT_LENGTH} caractères.", COLLEAGUES
)
TOO_MANY_CONTRACTS = HelpfulText(
    f"Un profil ne dépasse pas {MAX_CONTRACTS} contrats : laissez « Aucun... » à qui les lit tous.",
    COLLEAGUES,
)

USER_ADDED = "L’utilisateur {login} est ajouté. Communiquez-lui son login et son mot de passe."
USER_SAVED = "L’utilisateur {login} est modifié."
USER_REMOVED = "L’utilisateur {login} est supprimé."
PASSWORD_GIVEN = (
    "Le mot de passe de {login} est enregistré et ses sessions sont fermées. "  # noqa: S105
    "Communiquez-lui ce mot de passe."
)
PROFILE_ADDED = "Le profil « {name} » est ajouté. Donnez-le à un utilisateur par « Profil »."
PROFILE_SAVED = "Le profil « {name} » est modifié."
PROFILE_REMOVED = "Le profil « {name} » est supprimé."
PROFILE_IN_USE = "Ce profil est encore donné à un utilisateur : il n’est pas supprimé."

SECURITY_SAVED = "La règle de sécurité est enregistrée."
SECOND_FACTOR_REMOVED = (
    "La double authentification de {login} est retirée. Ses sessions sont fermées."
)
