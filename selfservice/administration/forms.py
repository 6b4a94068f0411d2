"""The administrator's forms, with the seed's groups and labels (FAQ 13)."""

import unicodedata

from wtforms import (
    BooleanField,
    EmailField,
    Field,
    HiddenField,
    PasswordField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, PasswordInput

from selfservice.accounts import passwords
from selfservice.accounts.forms import (
    LOGIN_LENGTH,
    NAME_LENGTH,
    PASSWORD_LENGTH,
    PHONE_LENGTH,
    OneUsersPasswordForm,
    PortalForm,
    is_storable,
    password_faults_on,
    password_field,
    text_rules,
    trimmed,
)
from selfservice.accounts.messages import MALFORMED, PASSWORDS_DIFFER, TOO_LONG
from selfservice.administration import messages
from selfservice.administration.contract_profiles import CONTRACT_LENGTH, MAX_CONTRACTS
from selfservice.suppliers.addresses import is_address, is_like_a_link, normalise, pasted
from selfservice.texts import identifier

CONTRACTS_LENGTH = 19_000
NO_COMPANY = SelectChoice("", "Choisir ...")
NO_PROFILE = SelectChoice("", "Aucun...")


def _is_latin(character: str) -> bool:
    """Tell whether a character is Latin, and no look-alike of another alphabet."""
    return character.isascii() or unicodedata.name(character, "").startswith("LATIN")


class ConnectionForm(PortalForm):
    login = StringField(
        "Login",
        [DataRequired(messages.LOGIN_MISSING), *text_rules(LOGIN_LENGTH)],
        filters=[trimmed],
    )
    password = password_field("Mot de passe", [InputRequired(messages.PASSWORD_MISSING)])
    password_again = password_field(
        "Mot de passe (bis)",
        [InputRequired(messages.PASSWORD_AGAIN_MISSING), EqualTo("password", PASSWORDS_DIFFER)],
    )
    company = SelectField("Société", [InputRequired(messages.COMPANY_MISSING)])

    def offer_companies(self, companies: list[tuple[int, str]]) -> None:
        """Offer the administrator's companies; nothing else validates."""
        self.company.choices = [NO_COMPANY, *_choices(companies)]

    def validate_login(self, field: Field) -> None:
        if any(character.isspace() for character in field.data):
            raise ValidationError(messages.LOGIN_SPACED)
        if is_like_a_link(field.data):
            raise ValidationError(messages.LOGIN_LIKE_A_LINK)
        if not all(_is_latin(character) for character in field.data):
            raise ValidationError(messages.LOGIN_FOREIGN)
        if len(normalise(field.data)) > LOGIN_LENGTH:  # « ﬃ » is one letter, and three to compare
            raise ValidationError(TOO_LONG)
        if pasted(field.data) != field.data:  # the sign-in page would read another
            raise ValidationError(messages.LOGIN_NOT_READ)


def own_password() -> PasswordField:
    """Return the field of the administrator's own password; the use case asks for it."""
    return password_field(
        "Votre mot de passe actuel", [Length(max=PASSWORD_LENGTH, message=TOO_LONG)]
    )


class OwnPasswordForm(PortalForm):
    current = own_password()


class GivenPasswordForm(OneUsersPasswordForm, OwnPasswordForm):
    password = ConnectionForm.password
    password_again = ConnectionForm.password_again


class UserForm(PortalForm):
    last_name = StringField("Nom", text_rules(NAME_LENGTH), filters=[trimmed])
    first_name = StringField("Prénom", text_rules(NAME_LENGTH), filters=[trimmed])
    email = EmailField("Adresse mail", text_rules(LOGIN_LENGTH), filters=[pasted])
    phone = TelField("Téléphone", text_rules(PHONE_LENGTH), filters=[trimmed])
    mobile = TelField("Mobile", text_rules(PHONE_LENGTH), filters=[trimmed])
    is_active = BooleanField("Activer", default=True)
    profile_id = SelectField("Profil", default="")
    is_administrator = BooleanField("Administrateur")

    def offer_profiles(self, profiles: list[tuple[int, str]]) -> None:
        """Offer these profiles beside « Aucun... »; nothing else validates."""
        self.profile_id.choices = [NO_PROFILE, *_choices(profiles)]

    def validate_email(self, field: Field) -> None:
        if field.data and not is_address(field.data):
            raise ValidationError(messages.ADDRESS_MALFORMED)


class ContractsForm(PortalForm):
    """Boxes for the contracts that a person may read.

    A ticked contract is « <company's id>:<contract> »: several companies may have one number.
    """

    contracts = SelectMultipleField("Contrats", option_widget=CheckboxInput())

    def offer_contracts(self, offered: dict[int, list[str]]) -> None:
        self.contracts.choices = [
            SelectChoice(f"{company_id}:{contract}", contract)
            for company_id, contracts in offered.items()
            for contract in contracts
        ]

    @property
    def chosen_contracts(self) -> tuple[str, ...]:
        return tuple(each.partition(":")[2] for each in self.contracts.data or [])


class EditUserForm(UserForm, OwnPasswordForm, ContractsForm):
    """The form that edits a user: of profile and boxes, the one that was changed decides."""

    seen = HiddenField(default="")

    def keep_access(self) -> None:
        """Remove the fields that this administrator may not change."""
        names = (
            "email",
            "is_active",
            "profile_id",
            "contracts",
            "is_administrator",
            "current",
            "seen",
        )
        for name in names:
            del self[name]

    def show_profile(self, profile_id: int | None, contracts: list[str]) -> None:
        """Tick the contracts of the profile that the person has; call after `offer_contracts`."""
        self.present_profile = str(profile_id or "")
        self.present_contracts = set(contracts)
        if not self.is_filled:
            own = [
                value for value, label, *_ in self.contracts.iter_choices() if label in contracts
            ]
            self.contracts.data = own

    @property
    def wanted_contracts(self) -> tuple[str, ...]:
        """Return the contracts ticked, none where the boxes are as they were."""
        is_changed = set(self.chosen_contracts) != self.present_contracts
        return self.chosen_contracts if self.contracts.choices and is_changed else ()

    def validate_contracts(self, field: Field) -> None:
        is_kept = self.profile_id.data == self.present_profile
        if self.wanted_contracts and self.is_administrator.data:
            raise ValidationError(messages.ADMINISTRATOR_OF_CONTRACTS)
        if self.wanted_contracts and self.profile_id.data and not is_kept:
            raise ValidationError(messages.CONTRACTS_OR_PROFILE)
        if self.contracts.choices and not field.data and self.present_contracts and is_kept:
            raise ValidationError(messages.NO_CONTRACT_LEFT)


class AddUserForm(ConnectionForm, UserForm, ContractsForm):
    """The form « Ajout d'un utilisateur »; its faults show in the order of the fields above."""

    def validate_contracts(self, field: Field) -> None:
        companies = {each.partition(":")[0] for each in field.data or []}
        if companies and self.is_administrator.data:
            raise ValidationError(messages.ADMINISTRATOR_OF_CONTRACTS)
        if companies and self.profile_id.data:
            raise ValidationError(messages.CONTRACTS_OR_PROFILE)
        if companies - {self.company.data}:
            raise ValidationError(messages.CONTRACT_FOREIGN)
        if len(field.data or []) > MAX_CONTRACTS:
            raise ValidationError(messages.TOO_MANY_CONTRACTS)

    def propose(self, password: str) -> None:
        """Put a password into both fields, to be read before it is sent."""
        for field in (self.password, self.password_again):
            field.data = password
            field.widget = PasswordInput(hide_value=False)

    def validate_password(self, field: Field) -> None:
        names = (self.first_name.data, self.last_name.data)
        with password_faults_on(field):
            passwords.check(field.data, login=self.login.data, names=names)


class ContractProfileForm(PortalForm):
    seen = HiddenField(default="")
    name = StringField(
        "Nom du profil",
        [DataRequired(messages.CONTRACT_PROFILE_NAME_MISSING), *text_rules(NAME_LENGTH)],
        filters=[trimmed],
    )
    contracts = SelectMultipleField("Contrats", option_widget=CheckboxInput())
    other_contracts = TextAreaField(
        "Autres contrats", [Length(max=CONTRACTS_LENGTH, message=TOO_LONG)]
    )

    def offer_contracts(self, offered: list[str], chosen: list[str]) -> None:
        """Offer contracts to tick. The profile's other contracts go into the text field."""
        self.contracts.choices = [SelectChoice(contract, contract) for contract in offered]
        if not self.is_filled:
            self.contracts.data = [contract for contract in chosen if contract in offered]
            written = [contract for contract in chosen if contract not in offered]
            self.other_contracts.data = "\n".join(written)

    @property
    def chosen_contracts(self) -> list[str]:
        """Return the contracts ticked and written, each once."""
        lines = (self.other_contracts.data or "").splitlines()
        written = [contract for line in lines if (contract := identifier(line))]
        return list(dict.fromkeys([*(self.contracts.data or []), *written]))

    def validate_other_contracts(self, _field: Field) -> None:
        if not self.chosen_contracts:
            raise ValidationError(messages.CONTRACTS_MISSING)
        if len(self.chosen_contracts) > MAX_CONTRACTS:
            raise ValidationError(messages.TOO_MANY_CONTRACTS)
        if any(len(contract) > CONTRACT_LENGTH for contract in self.chosen_contracts):
            raise ValidationError(messages.CONTRACT_TOO_LONG)
        if not all(is_storable(contract) for contract in self.chosen_contracts):
            raise ValidationError(MALFORMED)


def _choices(pairs: list[tuple[int, str]]) -> list[SelectChoice]:
    return [SelectChoice(str(identifier), label) for identifier, label in pairs]
