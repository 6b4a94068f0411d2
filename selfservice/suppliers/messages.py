"""The French words of suppliers and of their register."""

from selfservice import clock
from selfservice.suppliers.errors import SupplierError, WrongValueError
from selfservice.suppliers.merging import Difference

NOTIFICATION_LABELS = {
    "none": "Aucun mail",
    "attached": "Un mail par document, document joint",
    "link": "Un mail par document, sans pièce jointe",
    "daily": "Un mail par jour, avec la liste des documents",
}
DELIVERY_LABELS = {"electronic": "Électronique", "paper": "Papier"}

ERRORS = {
    "UnknownSupplierError": "Le fournisseur « {slug} » n'existe pas (« suppliers set » le crée).",
    "NameRequiredError": "Le fournisseur « {slug} » est nouveau : donnez son nom par --name.",
    "HostnameTakenError": "Le nom d'hôte « {hostname} » est celui d'un autre fournisseur.",
    "WrongValueError": "{field} : la valeur « {value} » ne convient pas ; {expected}.",
    "WrongLogoError": "{path} : le logo doit être une image PNG, JPEG ou WebP de 512 ko au plus.",
    "RegisterError": "{path} : registre illisible, rien n'a été importé. {detail}",
}
# What an option of « suppliers set » expects.
EXPECTED_LABELS = {
    "slug": ("SLUG", "des minuscules, des chiffres et des tirets sont attendus, 64 au plus"),
    "name": ("--name", "un nom de 200 caractères au plus est attendu"),
    "siren": ("--siren", "9 chiffres sont attendus"),
    "hostname": (
        "--hostname",
        "un nom seul, comme factures.example.com, est attendu",
    ),
    "opened_on": ("--opened-on", "une date AAAA-MM-JJ est attendue, comme 2022-12-02"),
    "platform_since": ("--platform-since", "une date AAAA-MM-JJ est attendue, comme 2026-09-01"),
    "colour": ("--colour", "# et six chiffres hexadécimaux sont attendus, comme #1f4e79"),
    "contact_name": ("--contact-name", "un nom de 200 caractères au plus est attendu"),
    "phone": ("--phone", "un numéro de téléphone est attendu, comme 09 00 00 00 01"),
    "mail": ("--mail", "une adresse mail complète est attendue, comme conseil@example.com"),
    "hours": ("--hours", "des horaires de 200 caractères au plus sont attendus"),
    "signature": ("--signature", "une ligne de 200 caractères au plus est attendue"),
    "former_portal": ("--former-portal", "un nom de 200 caractères au plus est attendu"),
    "former_closed_on": ("--former-closed", "un mois AAAA-MM est attendu, comme 2023-09"),
    "former_prefixes": (
        "--former-prefixes",
        "des débuts finis par un tiret, un point ou un souligné sont attendus, comme AB-,CD-",
    ),
}
IMPORT_SUMMARY = (
    "{report.created} société(s) créée(s), {report.updated} mise(s) à jour, "
    "{report.unchanged} inchangée(s), {left_out} ligne(s) refusée(s), "
    "{kept} valeur(s) du portail gardée(s), {replaced} remplacée(s)."
)
FIELD_LABELS = {
    "email": "adresse mail",
    "notification": "mode de notification",
    "delivery": "mode d'envoi",
}
KEPT_LINE = (
    "Client {each.client_number}, {field} : « {each.portal} », changé sur le portail le {day} par "
    "{each.actor}, est gardé ; le fichier dit encore « {each.file} »."
)
REPLACED_LINE = (
    "Client {each.client_number}, {field} : « {each.portal} », changé sur le portail le {day} par "
    "{each.actor}, est remplacé par « {each.file} », nouveau dans le fichier."
)
FAULT_LINE = "Ligne {fault.line} : {fault.reason}."
FAULTS = {
    "row_length": (
        "du texte se trouve hors des colonnes nommées, ou toute la ligne est entre guillemets"
    ),
    "lost_digits": (
        "un tableur a remplacé un long numéro par « {value} » : donnez à la colonne le format "
        "« texte », et retapez-le"
    ),
    "no_client_number": "le numéro client manque",
    "client_number": "le numéro client « {value} » n'est pas valable",
    "repeated": "le numéro client « {value} » est déjà donné à la ligne {first_line}",
    "no_name": "la raison sociale manque pour un nouveau client",
    "name": "la raison sociale n'est pas valable",
    "siren": "le SIREN ou SIRET « {value} » n'a pas 9 ou 14 chiffres",
    "vat_number": "le numéro de TVA « {value} » n'est pas valable",
    "email": "l'adresse mail « {value} » n'est pas valable",
    "notification": ("le mode de notification « {value} » n'est pas none, attached, link ou daily"),
    "delivery": "le mode d'envoi « {value} » n'est pas electronic ou paper",
}


def difference_line(each: Difference) -> str:
    """Return what an import did of a value that a person changed on the portal."""
    line = KEPT_LINE if each.is_kept else REPLACED_LINE
    day = clock.format_day(clock.paris(each.changed_at).date())
    return line.format(each=each, field=FIELD_LABELS[each.field], day=day)


def explain(error: SupplierError) -> str:
    """Return the sentence of an error."""
    facts = error.facts
    if isinstance(error, WrongValueError):
        option, expected = EXPECTED_LABELS[str(facts["field"])]
        facts = facts | {"field": option, "expected": expected}
    return ERRORS[type(error).__name__].format(**facts)
