"""The French words of documents: kinds and states."""

KIND_LABELS = {"invoice": "Facture", "credit_note": "Avoir"}
STATE_LABELS = {"original": "Original", "duplicate": "Duplicata", "copy": "Copie"}
