"""What the administrator's pages say, in French."""

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
USER_ADDED = "L’utilisateur {login} est ajouté. Communiquez-lui son login et son mot de passe."

SECURITY_SAVED = "La règle de sécurité est enregistrée."
SECOND_FACTOR_REMOVED = (
    "La double authentification de {login} est retirée. Ses sessions sont fermées."
)
