"""What requests say, in French: kinds, states, steps, faults."""

from selfservice import clock
from selfservice.help import HelpfulText
from selfservice.requests.errors import DecisionError
from selfservice.requests.models import CustomerRequest
from selfservice.suppliers.messages import DELIVERY_LABELS, NOTIFICATION_LABELS

HELP = "adresse-notification"

KIND_LABELS = {
    "address": "Changement d’adresse mail",
    "notification": "Changement de notification",
    "delivery": "Papier ou électronique",
    "document": "Document qui n’est plus ici",
    "question": "Question",
    "administrator": "Mon administrateur est parti",
    "access": "Adresse demandée sans connexion",
}
# What somebody who asks reads: a verb, then what it is for.
ASKING_LABELS = {
    "address": (
        "Changer d’adresse mail",
        "L’identifiant et les notifications passent à une autre adresse.",
    ),
    "notification": (
        "Changer de notification",
        "Être prévenu des nouvelles factures, autrement, ou plus du tout.",
    ),
    "delivery": (
        "Choisir papier ou électronique",
        "Recevoir les originaux sur papier, ou les trouver ici.",
    ),
    "document": (
        "Demander un document qui n’est plus ici",
        "Une facture ou un avoir trop ancien pour être dans votre liste.",
    ),
    "question": (
        "Poser une question",
        "Sur un document ou sur votre espace : la réponse est écrite.",
    ),
    "administrator": (
        "Signaler que mon administrateur est parti",
        "Une autre personne doit recevoir les factures de la société.",
    ),
}
STATE_LABELS = {
    "received": "Reçue",
    "in_progress": "En cours",
    "done": "Faite",
    "refused": "Refusée",
}
WHO_LABELS = {
    "system": "le portail",
    "visitor": "un visiteur",
    "unidentified": "non identifié",
    "gone": "n’est plus administrateur",
    "another": "n’a pas l’adresse enregistrée",
    "nobody": "aucune adresse",
}
OBJECTOR_LABELS = {
    "registered": "l’adresse enregistrée",
    "former": "l’ancienne adresse {who}",
    "login": "l’identifiant {who}",
}
# Why the portal itself changes the register, or ends a request.
END_LABELS = {
    "accepted": "demande n° {id} du client",
    "replaced": "Remplacée par une demande plus récente.",
    "objected": "L’adresse enregistrée s’y est opposée, et une demande plus récente est ouverte.",
    "taken_back": "L’adresse enregistrée s’est opposée à ce changement.",
    "taken_back_by_other": "Un administrateur s’est opposé à ce changement.",
}

_VALUE_LABELS = {"notification": NOTIFICATION_LABELS, "delivery": DELIVERY_LABELS}
_ON_THE_WAY = (
    "Votre conseiller clientèle l’examine{hours}. Vous recevrez un mail quand il aura décidé."
)
_FROM_THE_NEXT = "Cela vaut à partir de la prochaine facture{usual}."
_NEW_LOGIN = (
    "L’adresse {value} est enregistrée. Son identifiant lui sera envoyé avec la prochaine "
    "facture{usual} ; celui de l’ancienne fonctionne jusqu’à ce que le nouveau ait son mot de "
    "passe."
)
# What a mail and the page say of a step, by state and, where it matters, by kind.
STEP_LABELS = {
    "received": _ON_THE_WAY,
    "received:proof": (
        "Un mail vient d’être envoyé à {value}. Votre conseiller clientèle l’examinera dès que "
        "cette adresse sera confirmée par le lien de ce mail."
    ),
    "received:wait": (
        "Rien ne dit au portail qui demande : votre société peut s’y opposer. Votre conseiller "
        "clientèle décidera à partir du {waits_until}."
    ),
    "received:objection": (
        "L’adresse enregistrée, ou un administrateur, s’y est opposé. Votre conseiller clientèle "
        "vérifie avant de décider."
    ),
    "in_progress": "Un conseiller clientèle l’étudie.",
    "done:notification": _FROM_THE_NEXT,
    "done:delivery": _FROM_THE_NEXT,
    "done:address": _NEW_LOGIN,
    "done:administrator": _NEW_LOGIN,
    "done:access": _NEW_LOGIN,
    "done:first": (
        "L’adresse {value} est enregistrée. Son identifiant lui sera envoyé avec la prochaine "
        "facture{usual}."
    ),
    "done": "Votre conseiller clientèle y a répondu.",
    "refused": "Rien n’est changé.",
}

OPENED = "Votre demande est envoyée. Vous pouvez la suivre ici."
OPENED_PROOF = (
    "Votre demande est envoyée. Un mail part à {value} : confirmez cette adresse par son lien."
)
NO_NOTICE = "Vous ne serez pas prévenu par mail. Vous pourrez en changer par « Demandes »."
OBJECTED = "Votre opposition est enregistrée. Rien ne change avant la décision d’un conseiller."

ADDRESS_MISSING = HelpfulText("Saisissez la nouvelle adresse mail.", HELP)
ADDRESS_MALFORMED = HelpfulText(
    "Saisissez une adresse mail complète, par exemple nom@societe.fr.", HELP
)
ADDRESS_WITHOUT_MAIL = HelpfulText(
    "Ce domaine ne reçoit pas de mail : vérifiez ce qui suit le @.", HELP
)
ADDRESS_KNOWN = HelpfulText(
    "Cette adresse est déjà celle de la société : saisissez-en une autre.", HELP
)
MODE_MISSING = HelpfulText("Choisissez un mode.", HELP)
MODE_KNOWN = HelpfulText("C’est déjà le mode de la société : choisissez-en un autre.", HELP)
NUMBER_UNKNOWN = HelpfulText(
    "Aucun de vos documents n’a ce numéro : recopiez-le de la liste ou de la facture.",
    "qui-contacter",
)
WORDS_MISSING = HelpfulText("Écrivez votre demande en quelques mots.", "qui-contacter")
WHO_MISSING = HelpfulText(
    "Dites qui vous êtes : votre nom, votre fonction et un numéro de téléphone.", HELP
)
REASON_MISSING = HelpfulText("Donnez la raison : le client la lira.", HELP)
ALREADY_OPEN = HelpfulText(
    "Une demande de ce genre est déjà ouverte pour cette société : attendez sa réponse.", HELP
)

# What an adviser has done.
DECISIONS = {
    "take": "La demande n° {id} est à vous. Le client en est prévenu.",
    "accept": "La demande n° {id} est faite. Le client en est prévenu.",
    "refuse": "La demande n° {id} est refusée. Le client en est prévenu.",
}
DESK_LABELS = {
    "proof": "Adresse pas encore confirmée",
    "objection": "Opposition",
    "objection:wait": "Opposition ; une autre est possible jusqu’au {until}",
    "wait": "Opposition possible jusqu’au {until}",
}

# Why a request cannot be decided now.
REFUSALS = {
    "DecidedError": HelpfulText(
        "La demande n° {id} a déjà été décidée par {who}, le {at} : {state}.", HELP
    ),
    "TakenError": HelpfulText("La demande n° {id} est déjà étudiée par {who}.", HELP),
    "NotProvenError": HelpfulText(
        "L’adresse {value} n’est pas encore confirmée par le lien qui lui a été envoyé.", HELP
    ),
    "TooEarlyError": HelpfulText(
        "La société peut s’y opposer jusqu’au {until} : décidez ensuite.", HELP
    ),
    "UnseenObjectionError": HelpfulText(
        "Une opposition à la demande n° {id} est arrivée : lisez-la avant d’accepter.", HELP
    ),
    "AskerGoneError": HelpfulText(
        "{asker} n’est plus administrateur de cette société : vérifiez la demande, puis donnez la "
        "raison de l’accepter.",
        HELP,
    ),
    "ReasonMissingError": REASON_MISSING,
}


def explain(error: DecisionError) -> HelpfulText:
    """Return why a request cannot be decided."""
    request = error.request
    words = REFUSALS[type(error).__name__]
    text = words.format(
        id=request.id,
        asker=request.asked_by,
        who=actor_words(str(request.decided_by or request.taken_by)),
        at=clock.format_instant(request.decided_at),
        state=STATE_LABELS[request.state].lower(),
        value=request.value,
        until=clock.format_instant(request.waits_until),
    )
    return HelpfulText(text, words.help_key)


def actor_words(login: str) -> str:
    return WHO_LABELS.get(login, login)


def asker_words(request: CustomerRequest) -> str:
    """Return who asks, and whether anything says so."""
    who = str(request.asked_by) or WHO_LABELS["visitor"]
    if request.is_unidentified:
        return f"{who} ({WHO_LABELS['unidentified']})"
    if request.is_asker_gone:
        return f"{who} ({WHO_LABELS['gone']})"
    return f"{who} ({WHO_LABELS['another']})" if request.is_of_another else who


def objector_words(request: CustomerRequest) -> str:
    """Return who has objected: a login may be written as if it were the registered address."""
    if request.former_objector:
        return OBJECTOR_LABELS["former"].format(who=request.former_objector)
    kind = "login" if request.objected_by else "registered"
    return OBJECTOR_LABELS[kind].format(who=request.objected_by)


def value_words(request: CustomerRequest) -> str:
    """Return what a request asks for, as people read it."""
    labels = _VALUE_LABELS.get(str(request.kind), {})
    return labels.get(str(request.value), str(request.value))


def step_words(request: CustomerRequest, *, usual: str = "", value: str | None = None) -> str:
    """Return the sentence that says where a request stands, what comes next, and when.

    `usual` says when the next document is usually issued, `value` what is asked for where it is
    not to be read as it was typed.
    """
    hours = request.company.supplier.hours
    return STEP_LABELS[_step(request)].format(
        value=value_words(request) if value is None else value,
        waits_until=clock.format_instant(request.waits_until),
        hours=f", {hours}" if hours else "",
        usual=usual,
    )


def _step(request: CustomerRequest) -> str:
    if request.is_open and request.objected_at:
        return "received:objection"
    if request.needs_proof and request.is_open:
        return "received:proof"
    if request.state == "received" and request.waits_until:
        return "received:wait"
    if request.state == "done" and request.column == "email" and not request.former:
        return "done:first"
    by_kind = f"{request.state}:{request.kind}"
    return by_kind if by_kind in STEP_LABELS else str(request.state)


def desk_words(request: CustomerRequest) -> str:
    """Return, for an adviser, what a request waits for, who works on it, or how it ended."""
    if not request.is_open:
        label, who = STATE_LABELS[request.state], actor_words(str(request.decided_by))
        return f"{label} le {clock.format_instant(request.decided_at)}, par {who}"
    if request.needs_proof:
        return DESK_LABELS["proof"]
    if request.is_stopped:
        return DESK_LABELS["objection"]
    if request.waits_until and clock.now() < request.waits_until:
        label = DESK_LABELS["objection:wait" if request.objected_at else "wait"]
        return label.format(until=clock.format_instant(request.waits_until))
    if request.objected_at:
        return DESK_LABELS["objection"]
    label = STATE_LABELS[request.state]
    return f"{label}, {request.taken_by}" if request.taken_by else label


def present_words(request: CustomerRequest) -> str:
    """Return what the register says now of what is asked for; empty where it says nothing."""
    if request.column is None:
        return ""
    labels = _VALUE_LABELS.get(request.column, {})
    return labels.get(request.present, request.present) or WHO_LABELS["nobody"]
