"""What became of a mail, in French: kinds, states, reasons, and what to do."""

from dataclasses import dataclass

from selfservice.help import HelpfulText
from selfservice.mail import OutboxMail

ACTIVATION = "mail-activation-non-recu"
RECOVERY = "mail-reinitialisation-non-recu"
NOTIFICATION = "notification-non-recue"
ADDRESS = "adresse-notification"

KIND_LABELS = {
    "activation": "Mail d’activation",
    "document": "Notification d’un document",
    "digest": "Récapitulatif du jour",
    "recovery": "Récupération de l’identifiant ou du mot de passe",
    "password_changed": "Changement de mot de passe",
    "login_ended": "Identifiant fermé ou désactivé",
    "address_replaced": "Autre adresse mail enregistrée",
    "second_factor_changed": "Changement de double authentification",
    "leaving": "Rappel de documents à télécharger",
    "request": "Étape d’une demande",
    "request_proof": "Confirmation d’une nouvelle adresse",
    "request_objection": "Autre adresse demandée",
    "requests_waiting": "Demandes qui attendent un conseiller",
}
_HELP_KEYS = {
    "activation": ACTIVATION,
    "recovery": RECOVERY,
    "password_changed": RECOVERY,
    "login_ended": RECOVERY,
    "address_replaced": ADDRESS,
    "second_factor_changed": "double-authentification",
    "leaving": "duree-disponibilite",
    "request": ADDRESS,
    "request_proof": ADDRESS,
    "request_objection": ADDRESS,
}

STATE_LABELS = {
    "queued": "En attente",
    "deferred": "Reporté",
    "sending": "En cours d’envoi",
    "sent": "Envoyé",
    "returned": "Revenu",
    "delayed": "Retardé",
    "failed": "Refusé",
    "dropped": "Abandonné",
}

REGISTRATION_STATES = {
    "none": HelpfulText("Aucune adresse mail enregistrée", ADDRESS),
    "waiting": HelpfulText("En attente d’un premier document", ACTIVATION),
    "preparing": HelpfulText("Document déposé, mails en préparation", ACTIVATION),
    "activated": HelpfulText("Compte activé", NOTIFICATION),
}
NO_COMPANY = "aucune société n’a cette adresse"

CLIENT_NUMBER_MISSING = HelpfulText(
    "Saisissez votre numéro client : il est sur vos factures.", ACTIVATION
)
INVOICE_NUMBER_MISSING = HelpfulText("Saisissez le numéro d’une de vos factures.", ACTIVATION)
AMOUNT_MISSING = HelpfulText("Saisissez le montant TTC de cette facture.", ACTIVATION)
AMOUNT_MALFORMED = HelpfulText("Saisissez un montant comme 1 234,50.", ACTIVATION)
WRONG_PROOF = HelpfulText(
    "Aucune facture ne correspond à ces trois indications. Recopiez-les d’une facture récente.",
    ACTIVATION,
)
ANOTHER_PROVEN = HelpfulText(
    "Une autre société a été recherchée depuis dans ce navigateur : rien n’a été envoyé.",
    ACTIVATION,
)
SENT_AGAIN = "Un mail part à l’adresse enregistrée. Il arrive en quelques minutes."

_ANOTHER = "Faites enregistrer une autre adresse."
_PATIENCE = "Rien à faire : le portail essaie de nouveau."
_OPERATOR = "Rien à faire de votre côté : le portail essaie de nouveau."


@dataclass(frozen=True)
class Reason:
    """Why a mail did not leave, in words, and what its addressee can do."""

    words: str
    advice: str


REASONS = {
    "unknown_address": Reason("adresse inconnue", _ANOTHER),
    "mailbox_full": Reason(
        "boîte mail pleine",
        "Videz la boîte mail pour recevoir les prochains mails. "
        "Vos documents restent dans votre espace.",
    ),
    "mailbox_disabled": Reason("boîte mail désactivée", _ANOTHER),
    "spam": Reason(
        "refusé comme indésirable",
        "Déclarez {sender} comme expéditeur reconnu, ou demandez-le à qui gère votre messagerie.",
    ),
    "too_large": Reason(
        "mail trop volumineux pour cette boîte", "Vos documents restent dans votre espace."
    ),
    "without_attachment": Reason(
        "sans le document, trop volumineux pour cette boîte",
        "Retrouvez le document dans votre espace.",
    ),
    "mailbox_busy": Reason("boîte mail injoignable pour l’instant", _PATIENCE),
    "refused": Reason("refusé par le serveur du destinataire", _ANOTHER),
    "greylisted": Reason("le serveur du destinataire demande de se représenter", _PATIENCE),
    "later": Reason("le serveur du destinataire demande de réessayer plus tard", _PATIENCE),
    "unconfirmed": Reason(
        "connexion coupée avant la confirmation",
        "Le mail est peut-être déjà arrivé ; le portail essaie de nouveau.",
    ),
    "delayed": Reason(
        "le serveur du destinataire tarde à le prendre",
        "Rien à faire : le serveur d’envoi essaie de nouveau pendant quelques jours.",
    ),
    "unanswered": Reason(
        "le serveur du destinataire n’a pas répondu pendant plusieurs jours",
        "Prévenez qui gère votre messagerie. Vos documents restent dans votre espace.",
    ),
    "refused_there": Reason(
        "la messagerie du destinataire refuse notre serveur d’envoi",
        "Prévenez votre conseiller clientèle. Vos documents restent dans votre espace.",
    ),
    "sender_refused": Reason("notre expéditeur est refusé par le serveur d’envoi", _OPERATOR),
    "sender_unproven": Reason(
        "le domaine de notre expéditeur ne prouve pas que ce mail est de lui", _OPERATOR
    ),
    "hello_refused": Reason("le serveur d’envoi refuse le nom de notre portail", _OPERATOR),
    "host_refused": Reason("le serveur d’envoi refuse l’adresse IP de notre portail", _OPERATOR),
    "quota_reached": Reason("notre limite d’envois est atteinte au serveur d’envoi", _OPERATOR),
    "encryption_required": Reason("le serveur d’envoi veut une connexion chiffrée", _OPERATOR),
    "relay_denied": Reason("le serveur d’envoi refuse de transmettre le mail", _OPERATOR),
    "server_busy": Reason("le serveur d’envoi est occupé ou en panne", _OPERATOR),
    "unreachable": Reason("le serveur d’envoi ne répond pas", _OPERATOR),
    "certificate": Reason("le certificat du serveur d’envoi n’est pas reconnu", _OPERATOR),
    "authentication": Reason("le serveur d’envoi ne reconnaît pas notre compte", _OPERATOR),
    "unwritable_address": Reason("adresse mal formée", _ANOTHER),
    "bad_header": Reason("mail mal formé", "Vos documents restent dans votre espace."),
    "attachment_gone": Reason(
        "le document joint n’est plus disponible", "Retrouvez vos documents dans votre espace."
    ),
    "attachment_unreadable": Reason("le document joint est momentanément illisible", _OPERATOR),
    "surprise": Reason("incident du portail", _OPERATOR),
    "late": Reason(
        "trop tard pour partir",
        "Recommencez la demande ; vos documents restent dans votre espace.",
    ),
}
BOUNCE_SUMMARY = {
    "returned": "Le mail {mail.id} pour {mail.to_address} est revenu : {why}.",
    "delayed": "Le mail {mail.id} pour {mail.to_address} est retardé.",
    "known": "Le mail {mail.id} n'a pas changé : ce retour est déjà noté, ou périmé.",
    "foreign": "Ce n'est pas le retour d'un mail du portail : rien n'a changé.",
    "harmless": "Le mail {mail.id} n'a pas changé : cette réponse ne dit pas qu'il revient.",
}
_SENT = (
    "Accepté par le serveur de messagerie. Introuvable ? Regardez dans les courriers "
    "indésirables, et déclarez {sender} comme expéditeur reconnu."
)


def usual_words(day: int | None) -> str:
    """Return when documents are issued, to follow « la prochaine facture »; empty if unknown."""
    return f", d’habitude vers le {'1er' if day == 1 else day} du mois" if day else ""


def state_of(mail: OutboxMail) -> str:
    """Return « Envoyé », « Reporté »…"""
    is_deferred = mail.state == "queued" and mail.reason
    return STATE_LABELS["deferred" if is_deferred else mail.state]


def why(mail: OutboxMail) -> str:
    """Return the server's answer in words; empty while nothing went wrong."""
    return REASONS[mail.reason].words if mail.reason else ""


def kind_of(mail: OutboxMail) -> str:
    return KIND_LABELS[mail.kind]


def advice(mail: OutboxMail, *, sender: str) -> HelpfulText:
    """Return what the addressee can do, with the question of the FAQ that explains it."""
    key = _HELP_KEYS.get(mail.kind, NOTIFICATION)
    if mail.reason:
        return HelpfulText(REASONS[mail.reason].advice.format(sender=sender), key)
    if mail.state == "sent":
        return HelpfulText(_SENT.format(sender=sender), key)
    is_withdrawn = mail.state == "dropped"
    what = "ce mail n’a plus d’objet" if is_withdrawn else "le mail part"
    return HelpfulText(f"Rien à faire : {what}.", key)
