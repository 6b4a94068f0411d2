"""What the administrator's pages say, in French; the words of the journal come last."""

from collections.abc import Callable
from dataclasses import dataclass

from selfservice import clock
from selfservice.administration.contract_profiles import (
    CONTRACT_LENGTH,
    MAX_COMPANY_CONTRACTS,
    MAX_CONTRACTS,
    MAX_PROFILES,
)
from selfservice.administration.users import MAX_USERS
from selfservice.audit import AuditEntry
from selfservice.help import HelpfulText
from selfservice.requests.messages import KIND_LABELS as REQUEST_LABELS
from selfservice.suppliers.messages import DELIVERY_LABELS, NOTIFICATION_LABELS

COLLEAGUES = "acces-collaborateurs"

LOGIN_MISSING = HelpfulText("Choisissez un identifiant, par exemple l’adresse mail.", COLLEAGUES)
LOGIN_TAKEN = HelpfulText("Cet identifiant est déjà pris : choisissez-en un autre.", COLLEAGUES)
LOGIN_SPACED = HelpfulText("Un identifiant ne contient pas d’espace.", COLLEAGUES)
LOGIN_NOT_READ = HelpfulText(
    "Avec « @ », un identifiant est une adresse mail entière, sans rien autour.", COLLEAGUES
)
LOGIN_LIKE_A_LINK = HelpfulText("Un identifiant ne contient ni « : » ni « / ».", COLLEAGUES)
LOGIN_FOREIGN = HelpfulText(
    "Un identifiant s’écrit avec des lettres latines, des chiffres et des signes courants.",
    COLLEAGUES,
)
PASSWORD_MISSING = HelpfulText("Choisissez un mot de passe.", COLLEAGUES)
OWN_PASSWORD_MISSING = HelpfulText(
    "Saisissez votre mot de passe actuel pour changer l’adresse mail, le mot de passe ou la double "
    "authentification d’un collègue.",
    COLLEAGUES,
)
PASSWORD_AGAIN_MISSING = HelpfulText("Saisissez une seconde fois le mot de passe.", COLLEAGUES)
COMPANY_MISSING = HelpfulText("Choisissez une société.", COLLEAGUES)
ADDRESS_MALFORMED = HelpfulText(
    "Saisissez une adresse mail complète, par exemple nom@societe.fr.", COLLEAGUES
)
CONTRACT_PROFILE_FOREIGN = HelpfulText(
    "Ce profil d’accès est celui d’une autre société : choisissez-en un de la société de la "
    "personne.",
    COLLEAGUES,
)
ADMINISTRATOR_LIMITED = HelpfulText(
    "Un administrateur lit toutes les factures de sa société : choisissez « Aucun... » ou "
    "décochez « Administrateur ».",
    COLLEAGUES,
)
ADMINISTRATOR_OF_CONTRACTS = HelpfulText(
    "Un administrateur lit toutes les factures de sa société : décochez les contrats ou "
    "« Administrateur ».",
    COLLEAGUES,
)
CONTRACTS_OR_PROFILE = HelpfulText(
    "Choisissez un profil d’accès, ou cochez des contrats : pas les deux.", COLLEAGUES
)
NO_CONTRACT_LEFT = HelpfulText(
    "Cochez au moins un contrat, ou choisissez « Aucun... » à « Profil » : la personne lit alors "
    "toutes les factures.",
    COLLEAGUES,
)
CONTRACT_FOREIGN = HelpfulText(
    "Ces contrats sont ceux d’une autre société : cochez ceux de la société choisie.", COLLEAGUES
)
CHANGED_MEANWHILE = (
    "Un autre administrateur a changé ces droits depuis que votre page est ouverte : rien n’a été "
    "enregistré. Les voici comme ils sont ; recommencez si c’est encore utile."
)
LAST_ADMINISTRATOR = HelpfulText(
    "La société doit garder un administrateur actif : nommez-en un autre d’abord.", COLLEAGUES
)
CONTRACT_PROFILE_NAME_MISSING = HelpfulText("Donnez un nom au profil d’accès.", COLLEAGUES)
CONTRACT_PROFILE_NAME_TAKEN = HelpfulText(
    "La société a déjà un profil d’accès de ce nom : choisissez-en un autre.", COLLEAGUES
)
CONTRACTS_MISSING = HelpfulText("Choisissez au moins un contrat.", COLLEAGUES)
CONTRACT_TOO_LONG = HelpfulText(
    f"Un numéro de contrat ne dépasse pas {CONTRACT_LENGTH} caractères.", COLLEAGUES
)
PROFILES_FULL = HelpfulText(
    f"Une société a au plus {MAX_PROFILES} profils d’accès, et {MAX_COMPANY_CONTRACTS} contrats "
    "en tout.",
    COLLEAGUES,
)
COMPANY_FULL = HelpfulText(
    f"Cette société a déjà {MAX_USERS} utilisateurs : supprimez ceux qui ne servent plus.",
    COLLEAGUES,
)
TOO_MANY_CONTRACTS = HelpfulText(
    f"Un profil d’accès ne dépasse pas {MAX_CONTRACTS} contrats : laissez « Aucun... » à qui les "
    "lit tous.",
    COLLEAGUES,
)

USER_ADDED = "L’utilisateur {login} est ajouté."
USER_SAVED = "L’utilisateur {login} est modifié."
USER_REMOVED = "L’utilisateur {login} est supprimé."
PASSWORD_GIVEN = (
    "Le mot de passe de {login} est enregistré et ses sessions sont fermées. "  # noqa: S105
    "Communiquez-lui ce mot de passe."
)
SESSIONS_CLOSED = "Les sessions de {login} sont fermées. La personne peut se reconnecter."
CONTRACT_PROFILE_ADDED = (
    "Le profil d’accès « {name} » est ajouté. Donnez-le à un utilisateur par « Profil »."
)
CONTRACT_PROFILE_SAVED = "Le profil d’accès « {name} » est modifié."
CONTRACT_PROFILE_REMOVED = "Le profil d’accès « {name} » est supprimé."
CONTRACT_PROFILE_IN_USE = (
    "Ce profil d’accès est encore donné à un utilisateur : il n’est pas supprimé."
)

SECURITY_SAVED = "La règle de sécurité est enregistrée."
SECOND_FACTOR_REMOVED = (
    "La double authentification de {login} est retirée. Ses sessions sont fermées."
)


@dataclass(frozen=True)
class Family:
    """Events that the journal shows together."""

    label: str
    events: dict[str, str]


FAMILIES = {
    "connexions": Family(
        "Connexions",
        {
            "sign_in.done": "Connexion",
            "sign_in.failed": "Connexion refusée",
            "sign_out": "Déconnexion",
            "session.closed": "Sessions fermées",
            "second_factor.used": "Code de double authentification accepté",
            "second_factor.failed": "Code de double authentification refusé",
        },
    ),
    "double-authentification": Family(
        "Double authentification",
        {
            "second_factor.enabled": "Double authentification activée",
            "second_factor.disabled": "Double authentification désactivée",
            "second_factor.removed": "Double authentification retirée par une autre personne",
            "second_factor.codes_renewed": "Codes de secours remplacés",
            "second_factor.demanded": "Double authentification exigée dans la société",
            "second_factor.made_optional": "Double authentification laissée au choix",
        },
    ),
    "mots-de-passe": Family(
        "Mots de passe",
        {
            "password.changed": "Mot de passe choisi",
            "password.given": "Mot de passe donné par une autre personne",
            "password.refused": "Mot de passe actuel incorrect",
            "recovery.requested": "Récupération demandée",
            "recovery.unknown": "Récupération demandée pour une adresse inconnue",
        },
    ),
    "utilisateurs": Family(
        "Utilisateurs et profils d’accès",
        {
            "user.activated": "Identifiant créé par activation",
            "activation.sent_again": "Mail d’activation envoyé de nouveau",
            "proof.given": "« Je n’ai rien reçu » demandé avec une facture de la société",
            "proof.refused": "« Je n’ai rien reçu » demandé avec une facture inconnue",
            "user.added": "Utilisateur ajouté",
            "user.edited": "Utilisateur modifié",
            "user.coordinates": "Coordonnées modifiées par la personne",
            "user.switched_on": "Utilisateur activé",
            "user.switched_off": "Utilisateur désactivé",
            "user.promoted": "Droits d’administrateur donnés",
            "user.demoted": "Droits d’administrateur retirés",
            "user.removed": "Utilisateur supprimé",
            "user.closed": "Identifiant fermé",
            "user.reopened": "Identifiant rouvert",
            "profile.added": "Profil d’accès ajouté",
            "profile.edited": "Profil d’accès modifié",
            "profile.removed": "Profil d’accès supprimé",
        },
    ),
    "documents": Family(
        "Documents",
        {
            "invoice.opened": "Document ouvert",
            "invoice.fetched": "Document téléchargé par lien direct",
            "invoices.archived": "Archive téléchargée",
            "invoices.registered": "Registre téléchargé",
        },
    ),
    "conseiller": Family(
        "Conseiller clientèle",
        {
            "adviser.looked": "Fiche de la société consultée par un conseiller",
            "adviser.saw_list": "Liste des factures vue par un conseiller",
            "register.changed": "Fichier client modifié",
            "adviser.activated": "Activation envoyée sans attendre de document",
            "adviser.link_sent": "Mail pour se connecter envoyé à l’adresse enregistrée",
            "adviser.mail_sent_again": "Mail envoyé de nouveau",
        },
    ),
    "demandes": Family(
        "Demandes",
        {
            "request.opened": "Demande envoyée au fournisseur",
            "request.proven": "Nouvelle adresse confirmée par son lien",
            "request.objected": "Opposition à une nouvelle adresse",
            "request.taken": "Demande prise par un conseiller",
            "request.accepted": "Demande acceptée",
            "request.refused": "Demande refusée",
        },
    ),
    "refus": Family("Accès refusés", {"access.denied": "Accès refusé"}),
}
# These concern no single company, so no administrator sees them.
_OF_THE_PORTAL = {
    "adviser.added": "Conseiller ajouté",
    "companies.imported": "Fichier client importé",
    "form.refused": "Formulaire refusé",
    "invoices.deposited": "Documents déposés",
    "limit.reached": "Limite atteinte",
    "invoices.restated": "Documents changés d’état",
    "retention.purged": "Données arrivées à leur terme supprimées",
    "supplier.changed": "Fournisseur modifié",
    "supplier.created": "Fournisseur créé",
}
EVENTS = _OF_THE_PORTAL | {
    event: words for family in FAMILIES.values() for event, words in family.events.items()
}

_FIELDS = {
    "email": "adresse mail",
    "first_name": "prénom",
    "last_name": "nom",
    "mobile": "mobile",
    "phone": "téléphone",
    "profile_id": "profil d’accès",
}
_REGISTER_FIELDS = {
    "email": "adresse mail de la société",
    "notification": "mode de notification",
    "delivery": "électronique ou papier",
}
_REGISTER_VALUES = NOTIFICATION_LABELS | DELIVERY_LABELS
_REASONS = {
    "address changed": "l’adresse enregistrée a changé",
    "closed by the operator": "par l’exploitant du portail",
    "closed by the adviser": "par un conseiller",
}
_ACTORS = {"system": "Portail", "direct link": "Lien direct"}


def _fields(names: str) -> str:
    return ", ".join(_FIELDS.get(name, name) for name in names.split(", "))


# The facts that the journal shows, in this order.
_FACTS: dict[str, Callable[[str], str]] = {
    "number": lambda number: f"n° {number}",
    "field": lambda field: _REGISTER_FIELDS.get(field, field),
    "value": lambda value: _REGISTER_VALUES.get(value, value),
    "profile": lambda name: f"« {name} »",
    "contracts": lambda contracts: contracts,
    "fields": _fields,
    "reason": lambda reason: _REASONS.get(reason, ""),
    "path": str,
    "count": lambda count: f"{count} session(s)",
    "documents": lambda count: f"{count} document(s)",
    "form": str,
    "request": lambda kind: REQUEST_LABELS.get(kind, kind),
    "answer": str,
    "is_rescue_code": lambda _: "code de secours",
    "is_administrator": lambda _: "administrateur",
    "why": lambda reason: f"motif : {reason}",
}


@dataclass(frozen=True)
class JournalLine:
    """One line of the journal in words; `at` in Paris time."""

    at: str
    actor: str
    event: str
    details: str
    origin: str
    company_name: str


def describe(entry: AuditEntry, *, login: str, company_name: str) -> JournalLine:
    """Put an entry of the journal in words; `login` is that of the user whom it concerns."""
    return JournalLine(
        at=clock.format_instant(entry.at),
        actor=_actor(entry),
        event=EVENTS.get(entry.event, entry.event),
        details=_details(entry, login),
        origin=entry.origin,
        company_name=company_name,
    )


def _actor(entry: AuditEntry) -> str:
    # A login may be « system » too, but no visitor is without an origin.
    return entry.actor if entry.origin else _ACTORS.get(entry.actor, entry.actor)


def _details(entry: AuditEntry, login: str) -> str:
    facts = entry.details
    told = [put(str(facts[name])) for name, put in _FACTS.items() if facts.get(name)]
    concerned = login if login != entry.actor else ""
    return " · ".join(text for text in (concerned, *told) if text)
