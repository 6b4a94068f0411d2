"""The form of the proof that a visitor knows one document of a company."""

import re

from wtforms import Field, StringField
from wtforms.validators import DataRequired, ValidationError

from selfservice.accounts.forms import PortalForm, text_rules
from selfservice.money import parse_cents
from selfservice.notifications import messages
from selfservice.texts import identifier

CURRENCY = re.compile(r"(?:€|eur(?:os?)?|ttc|\s)+$", re.IGNORECASE)


def _amount(text: str | None) -> str:
    return CURRENCY.sub("", (text or "")[:100])


def _number(text: str | None) -> str:
    return identifier((text or "")[:200])


class ProofForm(PortalForm):
    help_key = messages.ACTIVATION
    client_number = StringField(
        "Numéro client",
        [DataRequired(messages.CLIENT_NUMBER_MISSING), *text_rules(64)],
        filters=[_number],
    )
    number = StringField(
        "Numéro d’une facture",
        [DataRequired(messages.INVOICE_NUMBER_MISSING), *text_rules(100)],
        filters=[_number],
    )
    gross = StringField(
        "Montant TTC de cette facture",
        [DataRequired(messages.AMOUNT_MISSING), *text_rules(40)],
        filters=[_amount],
    )

    def validate_gross(self, field: Field) -> None:
        try:
            parse_cents(field.data)
        except ValueError:
            raise ValidationError(messages.AMOUNT_MALFORMED) from None
