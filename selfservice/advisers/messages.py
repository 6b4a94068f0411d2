"""What the adviser's pages say, in French."""

from dataclasses import dataclass

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.advisers.sheet import Sheet
from selfservice.help import FAQ_KEYS, HelpfulText
from selfservice.notifications.messages import usual_words

ADVISERS = "conseillers"

REASON_MISSING = HelpfulText("Choisissez un motif : le client le lit dans son journal.", ADVISERS)
ADDRESS_MISSING = HelpfulText(
    "Saisissez l’adresse mail, ou cochez « Retirer l’adresse enregistrée ».", ADVISERS
)
ADDRESS_MALFORMED = HelpfulText(
    "Saisissez une adresse mail complète, par exemple nom@societe.fr.", ADVISERS
)
ADDRESS_WITHOUT_MAIL = HelpfulText(
    "Aucune boîte mail n’existe à « {domain} » : faites épeler l’adresse au client.", ADVISERS
)
ADDRESS_NEARLY = HelpfulText(
    "Vouliez-vous dire {meant} ? Corrigez l’adresse, ou cochez « L’adresse est bien celle-là ».",
    ADVISERS,
)
MODE_MISSING = HelpfulText("Choisissez un mode de notification.", ADVISERS)
DELIVERY_MISSING = HelpfulText("Choisissez électronique ou papier.", ADVISERS)
CHANGED_MEANWHILE = HelpfulText(
    "Quelqu’un d’autre vient de changer cette société : sa valeur est maintenant « {value} ». "
    "Vérifiez, puis validez de nouveau si c’est encore utile.",
    ADVISERS,
)
NOTHING_TO_CHANGE = HelpfulText("C’est déjà la valeur enregistrée : rien n’a changé.", ADVISERS)
NOTHING_TO_DO = HelpfulText(
    "C’est déjà fait, ou ce n’est plus possible : relisez la fiche.", ADVISERS
)
FORMER_ADDRESS = HelpfulText(
    "Ce mail est parti à une ancienne adresse : il n’y est pas renvoyé.", ADVISERS
)
UNKNOWN_QUESTION = HelpfulText("Choisissez l’une des questions.", ADVISERS)

ADDRESS_SAVED = (
    "L’adresse est enregistrée. Rien n’est envoyé : l’identifiant y part avec le prochain document."
)
ADDRESS_REMOVED = (
    "L’adresse est retirée : plus aucun mail ne part. Son identifiant reste ouvert jusqu’à ce "
    "qu’une autre la remplace : fermez-le sur cette fiche si elle n’était pas la bonne."
)
SENDING_SAVED = "C’est enregistré, et s’appliquera dès le prochain document déposé."
ACTIVATION_SENT = (
    "Le mail d’activation part avec l’identifiant {login}. Il arrive en quelques minutes."
)
LINK_SENT = "Un mail part à l’adresse enregistrée. Il arrive en quelques minutes."
MAIL_SENT_AGAIN = "Le mail repart à l’adresse enregistrée."
LOGIN_CLOSED = "L’identifiant {login} est fermé."
FACTOR_REMOVED = "La double authentification de {login} est retirée et ses sessions sont fermées."
CALL_COUNTED = "Motif de l’appel compté : merci."

REASONS = (
    "Appel du client",
    "Mail du client",
    "Courrier du client",
    "Correction d’une erreur",
    "Sécurité",
)

# The sixteen questions of the FAQ, as short as a button.
QUESTION_LABELS = dict(
    zip(
        FAQ_KEYS,
        (
            "Qu’est-ce que le portail",
            "Comment accéder aux factures",
            "Mail d’activation non reçu",
            "Retrouver son identifiant",
            "Comment se connecter",
            "Factures d’un autre fournisseur",
            "Voir plus de 3 mois",
            "Mode de notification",
            "Mot de passe oublié",
            "Mail de réinitialisation non reçu",
            "Documents plus anciens",
            "Notification non reçue",
            "Donner accès à un collègue",
            "Durée de disponibilité",
            "Changer d’adresse mail",
            "Autre question",
        ),
        strict=True,
    )
)


@dataclass(frozen=True)
class Standing:
    """Where a company stands, in a title and a sentence."""

    title: str
    words: str
    is_fine: bool = False


def standing(sheet: Sheet) -> Standing:
    """Say how far the registered address is, as one says it on the phone."""
    if sheet.answer.state == "none":
        return Standing(
            "Aucune adresse mail enregistrée",
            "Rien ne peut partir. L’identifiant part au premier document déposé après "
            "l’enregistrement de l’adresse.",
        )
    if sheet.answer.state == "preparing":
        return Standing("Activation en préparation", "Un document est arrivé : le mail part.")
    if sheet.owner is None:
        return Standing(
            "Pas encore activé", f"Aucun document depuis cette adresse. {_usual(sheet)}"
        )
    return _of_owner(sheet.owner)


def _usual(sheet: Sheet) -> str:
    return f"L’identifiant part avec le prochain{usual_words(sheet.answer.usual_day)}."


def _of_owner(owner: User) -> Standing:
    if owner.closed_at is not None:
        when = clock.format_long_day(clock.paris(owner.closed_at).date())
        again = " Il rouvre au prochain document." if owner.is_superseded else ""
        return Standing("Identifiant fermé", f"{owner.login} est fermé depuis le {when}.{again}")
    if not owner.is_active:
        return Standing("Identifiant désactivé", f"{owner.login} ne peut pas se connecter.")
    if owner.password_hash is None:
        return Standing(
            "Activé, mot de passe pas encore choisi",
            f"L’identifiant {owner.login} est envoyé ; son lien n’a pas servi.",
        )
    if owner.signed_in_at is None:
        return Standing("Activé, jamais connecté", f"Le mot de passe de {owner.login} est choisi.")
    return Standing(
        "Activé",
        f"{owner.login} : dernière connexion le {clock.format_instant(owner.signed_in_at)}.",
        is_fine=True,
    )


# What each act does, as its page says it before anything happens.
ACTS = {
    "activation": {
        "heading": "Envoyer l’activation maintenant",
        "what": "L’identifiant part tout de suite à l’adresse enregistrée, sans attendre le "
        "prochain document. Il n’y en aura jamais un second pour cette adresse.",
        "button": "Envoyer l’activation",
    },
    "link": {
        "heading": "Envoyer de quoi se connecter",
        "what": "L’adresse enregistrée reçoit un lien pour choisir un mot de passe. Vous ne le "
        "voyez pas, et il n’est dit à personne d’autre.",
        "button": "Envoyer le mail",
    },
    "mail": {
        "heading": "Envoyer de nouveau ce mail",
        "what": "« {subject} » repart à l’adresse enregistrée.",
        "button": "Envoyer de nouveau",
    },
    "close": {
        "heading": "Fermer l’identifiant {login}",
        "what": "Ses sessions se ferment et il ne se connecte plus. Les autres identifiants de la "
        "société ne changent pas.",
        "button": "Fermer cet identifiant",
    },
    "factor": {
        "heading": "Retirer la double authentification de {login}",
        "what": "Seulement si la personne a perdu son téléphone et ses codes de secours : ses "
        "sessions se ferment, et son mot de passe suffit alors. Un mail la prévient.",
        "button": "Retirer la double authentification",
    },
}
