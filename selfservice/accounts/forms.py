"""The accounts' forms: shape and words. Rules that need the database are in the use cases."""

import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import CombinedMultiDict
from wtforms import (
    EmailField,
    Field,
    HiddenField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TelField,
)
from wtforms.validators import (
    DataRequired,
    EqualTo,
    InputRequired,
    Length,
    ValidationError,
)

from selfservice import submissions
from selfservice.accounts import messages, passwords
from selfservice.accounts.models import DISPLAY_HISTORY_CHOICES, User
from selfservice.suppliers.addresses import pasted
from selfservice.texts import composed, password_form
from selfservice.web import MAX_VALUE_CHARACTERS

NAME_LENGTH = 100
PHONE_LENGTH = 40
LOGIN_LENGTH = 320
PASSWORD_LENGTH = 128
LENGTH = 2000  # of a field that says no other


def is_storable(text: str) -> bool:
    """Tell whether a text is free of control, invisible and surrogate characters."""
    return all(unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in text)


def storable(_form: FlaskForm, field: Field) -> None:
    if not is_storable(field.data or ""):
        raise ValidationError(messages.MALFORMED)


def trimmed(text: str | None) -> str:
    return composed((text or "").strip())


def text_rules(length: int) -> list[Callable[..., None]]:
    return [Length(max=length, message=messages.TOO_LONG), storable]


class PortalForm(FlaskForm):
    """A form with French messages; `help_key` is the help of those that name none."""

    help_key: ClassVar[str] = "qui-contacter"

    class Meta(FlaskForm.Meta):
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """Read text fields only, for a visitor may send a file; or what was typed before."""
            wrapped = super().wrap_formdata(form, formdata)
            if wrapped is None and formdata is not None:
                return submissions.typed()
            return request.form if isinstance(wrapped, CombinedMultiDict) else wrapped

        csrf_class = submissions.PageToken  # type: ignore[assignment]  # public, typed as its own

        locales = ["fr"]  # type: ignore[assignment]  # noqa: RUF012 - read as a list

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self:
            if isinstance(field, StringField) and not _is_bounded(field):
                bound = Length(max=LENGTH, message=messages.TOO_LONG)
                field.validators = (*field.validators, bound)

    @property
    def is_filled(self) -> bool:
        """Tell whether the fields hold what somebody typed, now or before the session ended."""
        return self.is_submitted() or submissions.typed() is not None

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = bool(super().validate(extra_validators))
        if not is_valid:
            submissions.forget_submission()
        return is_valid


def _is_bounded(field: StringField) -> bool:
    return any(isinstance(each, Length) for each in field.validators)


def password_field(label: str, rules: list[Callable[..., None]]) -> PasswordField:
    """Return a field whose length and confirmation are judged on what is hashed."""
    return PasswordField(label, rules, filters=[lambda text: password_form(text or "")])


def known_password() -> list[Callable[..., None]]:
    """Return the rules of a password that exists: none is longer than the rule allows."""
    return [
        InputRequired(messages.PASSWORD_MISSING),
        Length(max=PASSWORD_LENGTH, message=messages.TOO_LONG),
    ]


class SignInForm(PortalForm):
    help_key = messages.SIGNING_IN
    login = StringField(
        "Identifiant",
        [
            DataRequired(messages.LOGIN_MISSING),
            Length(max=LOGIN_LENGTH, message=messages.TOO_LONG),
        ],
        filters=[pasted],
    )
    password = password_field("Mot de passe", known_password())
    next = HiddenField(validators=[Length(max=MAX_VALUE_CHARACTERS)])


class RecoveryForm(PortalForm):
    help_key = messages.FORGOTTEN
    email = EmailField(
        "Adresse mail",
        [DataRequired(messages.ADDRESS_MISSING), *text_rules(LOGIN_LENGTH)],
        filters=[pasted],
    )

    def validate_email(self, field: Field) -> None:
        if "@" not in field.data.strip("@"):
            raise ValidationError(messages.ADDRESS_MALFORMED)


def chosen_password() -> PasswordField:
    """Return the field of a new password; its form checks the rule, and so does the use case."""
    return password_field("Votre mot de passe", [InputRequired(messages.PASSWORD_MISSING)])


def confirmation() -> PasswordField:
    return password_field(
        "Confirmation",
        [
            InputRequired(messages.CONFIRMATION_MISSING),
            EqualTo("password", messages.PASSWORDS_DIFFER),
        ],
    )


def current_password() -> PasswordField:
    return password_field("Mot de passe actuel", known_password())


@contextmanager
def password_faults_on(field: Field) -> Iterator[None]:
    """Put what a check of the password refuses on its field: all faults of a form show at once."""
    try:
        yield
    except passwords.PasswordRefusedError as error:
        field.errors = (*field.errors, *messages.password_faults(error.faults, error.logins))


class ResetForm(PortalForm):
    help_key = messages.CHOOSING
    link = HiddenField()
    user_id = RadioField("Vos identifiants", coerce=int, validate_choice=False)
    password = chosen_password()
    confirmation = confirmation()

    def choose_among(self, users: list[User], *, all_logins: int, link: str) -> None:
        """Offer the logins of a mailbox, by their ids or all at once; a single one is chosen.

        `link` tells the link that the browser has opened last: the page sent may be another's.
        """
        self.users, self.all_logins = users, all_logins
        self.is_of_another_link = bool(self.link.data) and self.link.data != link
        self.link.data = link
        if len(users) == 1:
            self.user_id.data = users[0].id

    @property
    def chosen(self) -> list[User]:
        is_for_all = self.user_id.data == self.all_logins
        proven = [user for user in self.users if user.is_from_activation]
        return proven if is_for_all else [u for u in self.users if u.id == self.user_id.data]

    def validate_link(self, _field: Field) -> None:
        if self.is_of_another_link:
            raise ValidationError(messages.OTHER_LINK_OPENED)

    def validate_user_id(self, field: Field) -> None:
        if not self.chosen:
            field.errors = (messages.CHOOSE_LOGIN,)

    def validate_password(self, field: Field) -> None:
        with password_faults_on(field):
            if self.chosen:
                passwords.check_for(self.chosen, field.data)
            else:
                passwords.check(field.data, login="", names=())


class OneUsersPasswordForm(PortalForm):
    """A form with a new `password` of the user that `for_user` names."""

    def for_user(self, user: User) -> Self:
        self.user = user
        return self

    def validate_password(self, field: Field) -> None:
        with password_faults_on(field):
            passwords.check_for([self.user], field.data)


class PasswordForm(OneUsersPasswordForm):
    help_key = messages.CHOOSING
    current = current_password()
    password = chosen_password()
    confirmation = confirmation()


class PreferencesForm(PortalForm):
    help_key = "factures-plus-3-mois"
    display_history_months = SelectField(
        "Historique d’affichage",
        coerce=int,
        choices=[
            SelectChoice(str(months), label) for months, label in DISPLAY_HISTORY_CHOICES.items()
        ],
    )


class AccountForm(PortalForm):
    last_name = StringField("Nom", text_rules(NAME_LENGTH), filters=[trimmed])
    first_name = StringField("Prénom", text_rules(NAME_LENGTH), filters=[trimmed])
    phone = TelField("Téléphone", text_rules(PHONE_LENGTH), filters=[trimmed])
    mobile = TelField("Mobile", text_rules(PHONE_LENGTH), filters=[trimmed])


def one_time_code() -> StringField:
    return StringField(
        "Code à 6 chiffres",
        [InputRequired(messages.CODE_MISSING), Length(max=100, message=messages.WRONG_CODE)],
    )


class CodeForm(PortalForm):
    code = one_time_code()
    next = HiddenField(validators=[Length(max=MAX_VALUE_CHARACTERS)])


class SetupStartForm(PortalForm):
    current = current_password()


class SetupForm(PortalForm):
    setup = HiddenField(default="")
    code = one_time_code()


class ProofForm(PortalForm):
    current = current_password()
    code = one_time_code()
