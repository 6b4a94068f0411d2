"""« Ajout d'un utilisateur », with the seed's groups and labels (FAQ 13)."""

import unicodedata

from wtforms import (
    BooleanField,
    EmailField,
    Field,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
    TelField,
)
from wtforms.validators import DataRequired, EqualTo, InputRequired, ValidationError

from selfservice.accounts.forms import (
    LOGIN_LENGTH,
    NAME_LENGTH,
    PHONE_LENGTH,
    PortalForm,
    text_rules,
    trimmed,
)
from selfservice.accounts.messages import PASSWORDS_DIFFER
from selfservice.administration import messages
from selfservice.suppliers.addresses import is_address

NO_COMPANY = SelectChoice("", "Choisir ...")
NO_PROFILE = SelectChoice("", "Aucun...")


def _is_latin(character: str) -> bool:
    """Tell letters that a French keyboard writes from look-alikes of other alphabets."""
    return character.isascii() or unicodedata.name(character, "").startswith("LATIN")


class AddUserForm(PortalForm):
    login = StringField(
        "Login",
        [DataRequired(messages.LOGIN_MISSING), *text_rules(LOGIN_LENGTH)],
        filters=[trimmed],
    )
    password = PasswordField("Mot de passe", [InputRequired(messages.PASSWORD_MISSING)])
    password_again = PasswordField(
        "Mot de passe (bis)",
        [InputRequired(messages.PASSWORD_AGAIN_MISSING), EqualTo("password", PASSWORDS_DIFFER)],
    )
    company = SelectField("Société", [InputRequired(messages.COMPANY_MISSING)])
    last_name = StringField("Nom", text_rules(NAME_LENGTH), filters=[trimmed])
    first_name = StringField("Prénom", text_rules(NAME_LENGTH), filters=[trimmed])
    email = EmailField("Adresse mail", text_rules(LOGIN_LENGTH), filters=[trimmed])
    phone = TelField("Téléphone", text_rules(PHONE_LENGTH), filters=[trimmed])
    mobile = TelField("Mobile", text_rules(PHONE_LENGTH), filters=[trimmed])
    is_active = BooleanField("Activer", default=True)
    profile = SelectField("Profil", choices=[NO_PROFILE], default="")
    is_administrator = BooleanField("Administrateur")

    def offer_companies(self, companies: list[tuple[int, str]]) -> None:
        """Offer the administrator's companies; nothing else validates."""
        offered = [SelectChoice(str(company_id), label) for company_id, label in companies]
        self.company.choices = [NO_COMPANY, *offered]

    def validate_login(self, field: Field) -> None:
        if any(character.isspace() for character in field.data):
            raise ValidationError(messages.LOGIN_SPACED)
        if not all(_is_latin(character) for character in field.data):
            raise ValidationError(messages.LOGIN_FOREIGN)

    def validate_email(self, field: Field) -> None:
        if field.data and not is_address(field.data):
            raise ValidationError(messages.ADDRESS_MALFORMED)
