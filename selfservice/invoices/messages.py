"""The French words of documents: kinds and states."""

KIND_LABELS = {"invoice": "Facture", "credit_note": "Avoir"}
STATE_LABELS = {"original": "Original", "duplicate": "Duplicata", "copy": "Copie"}

# What narrows a list, as words that a reader can take away.
PLURAL_KIND_LABELS = {"invoice": "factures", "credit_note": "avoirs"}
PLURAL_STATE_LABELS = {"original": "originaux", "duplicate": "duplicatas", "copy": "copies"}
FILTER_LABELS = {
    "since": "depuis le {}",
    "until": "jusqu’au {}",
    "contract": "contrat {}",
    "is_not_downloaded": "non téléchargées",
    "is_leaving": "bientôt indisponibles",
}
SPAN_LABELS = "du {} au {}"
QUARTER_LABELS = ("1er trimestre {}", "2e trimestre {}", "3e trimestre {}", "4e trimestre {}")
