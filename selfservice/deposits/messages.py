"""The French words of a deposit: why a document or a whole folder was refused."""

from typing import Any, Protocol

from selfservice.deposits.errors import DepositError


class _Report(Protocol):
    refused: list[Any]


REFUSALS = {
    "not_pdf": "Ce fichier n'est pas un PDF.",
    "preceded": (
        "Ce fichier n'est pas un PDF : {count} octet(s) précèdent « %PDF- ». Déposez-le tel que "
        "son logiciel l'a produit, sans rien avant, transféré en mode binaire."
    ),
    "bare_xml": (
        "Ce fichier n'est pas un PDF mais {name} : déposez le PDF Factur-X, ou un PDF décrit dans "
        "index.csv."
    ),
    "unreadable": "Ce fichier n'est pas lisible.",
    "not_regular": "Ce n'est pas un fichier ordinaire mais {kind} : le dépôt ne l'ouvre pas.",
    "truncated": "Ce PDF est coupé : sa fin manque.",
    "broken_table": (
        "Ce PDF est abîmé : sa table des objets (xref) ne correspond pas à son contenu. "
        "Transférez-le en mode binaire, ou enregistrez-le de nouveau avec le logiciel qui l'a "
        "produit."
    ),
    "damaged": "Ce PDF est abîmé.",
    "encrypted": "Ce PDF est protégé par un mot de passe.",
    "active": "Ce PDF contient {what}, ce qui est interdit.",
    "no_page": "Ce PDF n'a aucune page.",
    "too_large": "Ce fichier dépasse {limit} Mo.",
    "too_long": "Ce PDF dépasse {limit} pages.",
    "too_slow": "Ce PDF est trop long à lire : plus de {limit} s de calcul.",
    "slow_xml": (
        "Les données Factur-X de ce PDF sont trop longues à en sortir : chaque téléchargement "
        "ralentirait le portail."
    ),
    "too_heavy": "Ce PDF est trop gros une fois déplié : plus de {limit} Mo de mémoire.",
    "reader_died": "Ce PDF fait échouer sa lecture : il est abîmé ou démesuré.",
    "folder": (
        "C'est un dossier, et le dépôt ne regarde pas dedans : sortez-en les documents, "
        "ou déposez-le à part."
    ),
    "missing": "Ce fichier, cité à la ligne {line} de index.csv, n'est pas dans le dossier.",
    "left": (
        "Ce fichier, cité à la ligne {line} de index.csv, porte le nom d'un fichier de travail "
        "ou d'un CSV : le dépôt ne le regarde pas. Renommez-le si c'est un document."
    ),
    "no_file_named": "La ligne {line} de index.csv ne nomme aucun fichier.",
    "described_twice": (
        "Ce fichier est décrit plusieurs fois dans index.csv : lignes {first_line} et {line}."
    ),
    "row_length": (
        "La ligne {line} de index.csv a du texte hors des colonnes nommées, "
        "ou est tout entière entre guillemets."
    ),
    "lost_digits": (
        "La ligne {line} de index.csv contient « {value} » : un tableur a remplacé un long "
        "numéro. Donnez à la colonne le format « texte », et retapez-le."
    ),
    "no_description": "Aucune description : ni Factur-X dans ce PDF, ni ligne dans index.csv.",
    "broken_xml": "Les données Factur-X de ce PDF ne sont pas lisibles.",
    "foreign_xml": (
        "Les données jointes à ce PDF sont {name}, et non une facture Factur-X : produisez un "
        "Factur-X, ou décrivez ce fichier dans index.csv."
    ),
    "misnamed_xml": (
        "Aucune description : la facture Factur-X de ce PDF porte le nom « {name} », que la norme "
        "ne connaît pas. Joignez-la sous le nom « factur-x.xml », ou décrivez ce fichier dans "
        "index.csv."
    ),
    "doctype": "Les données Factur-X de ce PDF contiennent un DOCTYPE, ce qui est interdit.",
    "several_xml": "Ce PDF contient plusieurs factures Factur-X différentes.",
    "absent_field": "Description incomplète : {field} manque.",
    "absent_cell": "Description incomplète : {field} manque à la ligne {line} de index.csv.",
    "wrong_field": "Description incorrecte : {field} n'est pas valable (« {value} »).",
    "wrong_cell": (
        "Description incorrecte : {field} de la ligne {line} de index.csv n'est pas valable "
        "(« {value} »). Écrivez {form}."
    ),
    "other_seller": "Cette facture est celle d'un autre vendeur ({seller}).",
    "unknown_client_number": "Le numéro client {client_number} est inconnu.",
    "unknown_customer": "Client inconnu : {buyer}.",
    "several_customers": (
        "Plusieurs clients correspondent à {buyer} : {candidates}. Indiquez le numéro client dans "
        "index.csv, ou le SIRET de l'établissement dans la facture (BT-46, schéma 0009)."
    ),
    "future": "La date d'émission {issued_on} est dans le futur.",
    "before_opening": "Émise le {issued_on}, avant l'ouverture du portail ({opened_on}).",
    "beyond_retention": "Émise le {issued_on}, il y a plus de {months} mois.",
    "purged": (
        "Le numéro {number} est celui d'un document retiré au terme de sa durée de disponibilité."
    ),
    "conflict": "Le numéro {number} existe déjà avec un autre contenu.",
}

ACTIVE_LABELS = {
    "script": "un programme (JavaScript)",
    "launch": "le lancement d'un programme",
    "submit": "l'envoi d'un formulaire",
    "import": "une importation de données",
    "other_file": "un renvoi vers un autre fichier",
    "media": "un contenu multimédia",
    "xfa": "un formulaire XFA",
    "address": "une adresse qui s'ouvre sans qu'on clique",
    "ambiguous": "une même chose écrite deux fois, que chaque logiciel lit à sa façon",
}

FIELD_LABELS = {
    "number": "le numéro",
    "issued_on": "la date d'émission",
    "due_on": "l'échéance",
    "kind": "le type de document",
    "net": "le total HT",
    "vat": "le total de TVA",
    "gross": "le total TTC",
    "currency": "la devise",
    "contract": "le contrat",
    "client_number": "le numéro client",
}

# How a cell of index.csv is written.
FORM_LABELS = {
    "number": "au plus 100 caractères visibles",
    "issued_on": "2026-11-02 ou 02/11/2026",
    "due_on": "2026-11-02 ou 02/11/2026",
    "kind": "invoice ou credit_note",
    "net": "1234,50",
    "vat": "1234,50",
    "gross": "1234,50",
    "currency": "trois lettres, comme EUR",
    "contract": "au plus 100 caractères visibles",
    "client_number": "au plus 100 caractères visibles",
}

ERRORS = {
    "UnreadableFolderError": "{path} : dossier illisible ({detail}).",
    "UnreadableIndexError": "{path} : index illisible, rien n'a été déposé. {detail}",
    "SeveralIndexesError": (
        "{path} : plusieurs index ({detail}), rien n'a été déposé. Gardez-en un seul."
    ),
    "TooManyDocumentsError": (
        "{path} : {detail} fichiers, plus que DEPOSIT_MAX_DOCUMENTS n'en admet. "
        "Rien n'a été déposé."
    ),
    "ReadersNotStartedError": (
        "{path} : la lecture des documents ne démarre pas. Réparez l'installation, puis "
        "relancez le dépôt."
    ),
    "RejectsNotWrittenError": "{path} : la liste des rejets n'a pas pu être écrite ({detail}).",
    "DocumentsNotWrittenError": (
        "{path} : les documents n'ont pas pu être écrits ({detail}). "
        "Relancez le dépôt : il reprendra où il s'est arrêté."
    ),
}

DEPOSIT_SUMMARY = (
    "{report.deposited} document(s) déposé(s), {report.already} déjà déposé(s), "
    "{refused} refusé(s)."
)
INTERRUPTED = (
    "Dépôt interrompu : {summary} Relancez la même commande quand vous voulez : "
    "elle reprend la suite, rien n'est déposé deux fois."
)
REFUSAL_LINE = "{refused.file} : {refused.reason}"
PASSED_OVER_LINE = "Non regardé(s), sans faute : {names}."


def explain(error: DepositError) -> str:
    """Return the sentence of an error."""
    return ERRORS[type(error).__name__].format(path=error.path, detail=error.detail)


def refusal_lines(report: _Report) -> list[str]:
    """Return one line for each refused file."""
    return [REFUSAL_LINE.format(refused=each) for each in report.refused]
