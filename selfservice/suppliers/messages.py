"""The French words of suppliers and of their register."""

from selfservice.suppliers.errors import RegisterError, SupplierError

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
}
REGISTER_PROBLEMS = {
    "unreadable": "{path} : fichier illisible ({detail}).",
    "not_utf8": "{path} : ce fichier n'est pas en UTF-8.",
    "malformed": "{path} : la ligne {detail} n'est pas lisible.",
    "unknown_columns": "Colonnes inconnues : {detail}.",
    "missing_columns": "Colonnes manquantes : {detail}.",
    "repeated_columns": "Colonnes en double : {detail}.",
}

IMPORT_SUMMARY = (
    "{report.created} société(s) créée(s), {report.updated} mise(s) à jour, "
    "{report.unchanged} inchangée(s), {left_out} ligne(s) refusée(s)."
)
FAULT_LINE = "Ligne {fault.line} : {fault.reason}."
FAULTS = {
    "row_length": "le nombre de cellules diffère de celui des colonnes",
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
    if isinstance(error, RegisterError):
        return REGISTER_PROBLEMS[error.problem].format(**error.facts)
    return ERRORS[type(error).__name__].format(**error.facts)
