"""The French words of suppliers and of their register."""

from selfservice.suppliers.errors import SupplierError

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
    "WrongValueError": "La valeur « {value} » ne convient pas pour « {field} ».",
    "WrongLogoError": "{path} : le logo doit être une image PNG, JPEG ou WebP de 512 ko au plus.",
    "RegisterError": "{path} : registre illisible, rien n'a été importé. {detail}",
}
IMPORT_SUMMARY = (
    "{report.created} société(s) créée(s), {report.updated} mise(s) à jour, "
    "{report.unchanged} inchangée(s), {left_out} ligne(s) refusée(s)."
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


def explain(error: SupplierError) -> str:
    """Return the sentence of an error."""
    return ERRORS[type(error).__name__].format(**error.facts)
