"""The adviser's forms: each act asks for its reason."""

from typing import ClassVar

from wtforms import (
    BooleanField,
    EmailField,
    Field,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, ValidationError

from selfservice.accounts.forms import PortalForm, text_rules, trimmed
from selfservice.advisers import messages
from selfservice.suppliers.addresses import is_address, pasted
from selfservice.suppliers.mailboxes import near_miss, takes_mail
from selfservice.suppliers.messages import DELIVERY_LABELS, NOTIFICATION_LABELS
from selfservice.suppliers.register import ADDRESS_LENGTH

DETAIL_LENGTH = 300


def _choices(labels: dict[str, str]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in labels.items()]


class ActForm(PortalForm):
    help_key: ClassVar[str] = messages.ADVISERS
    reason = SelectField(
        "Motif",
        [InputRequired(messages.REASON_MISSING)],
        choices=[
            SelectChoice("", "Choisir ..."),
            *(SelectChoice(each, each) for each in messages.REASONS),
        ],
    )
    detail = StringField("Précision", text_rules(DETAIL_LENGTH), filters=[trimmed])

    @property
    def why(self) -> str:
        """The reason as the journal keeps it."""
        return f"{self.reason.data} ({self.detail.data})" if self.detail.data else self.reason.data

    def validate_reason(self, field: Field) -> None:
        if field.data not in messages.REASONS:
            raise ValidationError(messages.REASON_MISSING)


class AddressForm(ActForm):
    """Another registered address, or none; `is_sure` is offered where the address looks wrong."""

    email = EmailField("Adresse mail", text_rules(ADDRESS_LENGTH), filters=[pasted])
    is_sure = BooleanField("L’adresse est bien celle-là")
    is_removed = BooleanField("Retirer l’adresse enregistrée")
    seen = HiddenField(default="")

    meant = ""

    @property
    def address(self) -> str:
        return "" if self.is_removed.data else self.email.data

    def validate_email(self, field: Field) -> None:
        if self.is_removed.data:
            return
        if not field.data:
            raise ValidationError(messages.ADDRESS_MISSING)
        if not is_address(field.data):
            raise ValidationError(messages.ADDRESS_MALFORMED)
        self.meant = near_miss(field.data)
        if self.meant and not self.is_sure.data:
            raise ValidationError(messages.ADDRESS_NEARLY.format(meant=self.meant))
        if not takes_mail(field.data):
            domain = field.data.rpartition("@")[2]
            raise ValidationError(messages.ADDRESS_WITHOUT_MAIL.format(domain=domain))


class SendingForm(ActForm):
    notification = RadioField(
        "Notification",
        [InputRequired(messages.MODE_MISSING)],
        choices=_choices(NOTIFICATION_LABELS),
        validate_choice=False,
    )
    delivery = RadioField(
        "Originaux",
        [InputRequired(messages.DELIVERY_MISSING)],
        choices=_choices(DELIVERY_LABELS),
        validate_choice=False,
    )
    seen_notification = HiddenField(default="")
    seen_delivery = HiddenField(default="")

    def validate_notification(self, field: Field) -> None:
        if field.data not in NOTIFICATION_LABELS:
            raise ValidationError(messages.MODE_MISSING)

    def validate_delivery(self, field: Field) -> None:
        if field.data not in DELIVERY_LABELS:
            raise ValidationError(messages.DELIVERY_MISSING)
