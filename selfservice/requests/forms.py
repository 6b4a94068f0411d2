"""The forms of requests: what is asked, an objection, a decision."""

from typing import ClassVar

from flask_wtf import FlaskForm
from wtforms import (
    EmailField,
    Field,
    HiddenField,
    RadioField,
    SelectChoice,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from selfservice.accounts import messages as accounts_messages
from selfservice.accounts.forms import LOGIN_LENGTH, PortalForm, is_storable, text_rules
from selfservice.requests import messages
from selfservice.requests.models import REASON_LENGTH
from selfservice.suppliers import mailboxes
from selfservice.suppliers.addresses import (
    address_key,
    is_address,
    is_like_a_link,
    pasted,
    unmistakable,
)
from selfservice.suppliers.messages import DELIVERY_LABELS, NOTIFICATION_LABELS
from selfservice.texts import composed, identifier

WORDS_LENGTH = 2000
NUMBER_LENGTH = 100


def _lines(text: str | None) -> str:
    lines = (" ".join(line.split()) for line in (text or "").splitlines())
    return composed("\n".join(lines).strip())


def _storable_lines(_form: FlaskForm, field: Field) -> None:
    if not is_storable((field.data or "").replace("\n", "")):
        raise ValidationError(accounts_messages.MALFORMED)


def words_field(label: str, missing: str = "", *, length: int = WORDS_LENGTH) -> TextAreaField:
    """Return a field of several lines, which `missing` asks for where it must be filled."""
    return TextAreaField(
        label,
        [
            *([DataRequired(missing)] if missing else []),
            Length(max=length, message=accounts_messages.TOO_LONG),
            _storable_lines,
        ],
        filters=[_lines],
    )


def _address_field() -> EmailField:
    return EmailField(
        "Nouvelle adresse mail",
        [DataRequired(messages.ADDRESS_MISSING), *text_rules(LOGIN_LENGTH)],
        filters=[lambda text: unmistakable(pasted(text))],
    )


def _number_field(hint: str) -> StringField:
    return StringField(
        "Numéro du document",
        text_rules(NUMBER_LENGTH),
        description=hint,
        filters=[lambda text: identifier((text or "")[: 2 * NUMBER_LENGTH])],
    )


class AskForm(PortalForm):
    """What every request has: a value, by the name `asks` of its field, and words."""

    help_key = messages.HELP
    asks: ClassVar[str]
    words: TextAreaField

    @property
    def value(self) -> str:
        return str(self[self.asks].data or "")

    def validate_email(self, field: Field) -> None:
        is_long = len(address_key(field.data)) > LOGIN_LENGTH
        if not is_address(field.data) or is_long or is_like_a_link(field.data):
            raise ValidationError(messages.ADDRESS_MALFORMED)
        if not mailboxes.takes_mail(field.data):
            raise ValidationError(messages.ADDRESS_WITHOUT_MAIL)


class AddressForm(AskForm):
    asks = "email"
    email = _address_field()
    words = words_field("Pourquoi, si vous voulez le dire")


class SuccessorForm(AskForm):
    """Of somebody whom nothing identifies."""

    asks = "email"
    email = _address_field()
    words = words_field("Qui êtes-vous ?", messages.WHO_MISSING)


class NotificationForm(AskForm):
    asks = "notification"
    notification = RadioField(
        "Notification",
        [InputRequired(messages.MODE_MISSING)],
        choices=[SelectChoice(*each) for each in NOTIFICATION_LABELS.items()],
    )
    words = words_field("Pourquoi, si vous voulez le dire")


class DeliveryForm(AskForm):
    asks = "delivery"
    delivery = RadioField(
        "Originaux",
        [InputRequired(messages.MODE_MISSING)],
        choices=[SelectChoice(*each) for each in DELIVERY_LABELS.items()],
    )
    words = words_field("Pourquoi, si vous voulez le dire")


class DocumentForm(AskForm):
    help_key = "duree-disponibilite"
    asks = "number"
    number = _number_field("Si vous le connaissez")
    words = words_field("Quel document cherchez-vous ?", messages.WORDS_MISSING)


class QuestionForm(AskForm):
    help_key = "qui-contacter"
    asks = "number"
    number = _number_field("Si votre question porte sur un document")
    words = words_field("Votre question", messages.WORDS_MISSING)


FORMS: dict[str, type[AskForm]] = {
    "address": AddressForm,
    "notification": NotificationForm,
    "delivery": DeliveryForm,
    "document": DocumentForm,
    "question": QuestionForm,
    "administrator": SuccessorForm,
}


class ObjectionForm(PortalForm):
    help_key = messages.HELP
    words = words_field("Pourquoi, si vous voulez le dire")


class DecisionForm(PortalForm):
    help_key = messages.HELP
    reason = words_field("Réponse au client", length=REASON_LENGTH)
    seen = HiddenField()  # the mark of the objection that the page showed
    gone = HiddenField()  # that who asked is no administrator any more
    present = HiddenField()  # what it said of the register
