"""Making an instance a demonstration, before the app is built."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from selfservice import config, db
from selfservice.accounts.models import User
from selfservice.accounts.passwords import is_password_of
from selfservice.demo.register import PUBLIC_PASSWORDS, SELLERS
from selfservice.operations import installation
from selfservice.operations.findings import Finding, fault, warning
from selfservice.suppliers.models import Supplier

LINES = {"DEMO": "true", "MAIL_TRANSPORT": '"file"'}


class NotADemonstrationError(Exception):
    """The instance holds data and is no demonstration: it stays as it is."""

    def __init__(self, instance: Path) -> None:
        super().__init__(instance)
        self.instance = instance


def prepare(instance: Path) -> None:
    """Install an instance and mark it as a demonstration; safe to repeat.

    Raises NotADemonstrationError, or what installation.install raises.
    """
    installation.install(instance)
    if config.load(instance)["DEMO"]:
        return
    if _holds_data():
        raise NotADemonstrationError(instance)
    _write_settings(instance / config.SETTINGS_NAME)


def foreign_suppliers() -> list[str]:
    """Return the suppliers that the demonstration has not made. Needs an open connection."""
    own = {seller.slug for seller in SELLERS}
    return sorted(each.slug for each in Supplier.select() if each.slug not in own)


def require_alone(settings: Mapping[str, Any], *slugs: str) -> None:
    """Raise ConfigurationError for a demonstration beside suppliers that are not its own.

    `slugs` are suppliers that are about to be there too.
    """
    if not settings["DEMO"] or settings["DEMO_ANYWAY"]:
        return
    own = {seller.slug for seller in SELLERS}
    if others := sorted({*foreign_suppliers(), *slugs} - own):
        raise config.ConfigurationError(
            f"DEMO : cette instance a de vrais fournisseurs ({', '.join(others)}) ; "
            "retirez DEMO, "
            "ou ajoutez DEMO_ANYWAY si vous le voulez"
        )


def examine(settings: Mapping[str, Any]) -> Iterator[Finding]:
    """Name the suppliers of others in a demonstration, and what a former one left; for the doctor.

    Call in an app context.
    """
    with suppress(*db.ERRORS), db.connection():  # the check of the database tells these
        if not settings["DEMO"]:
            if logins := _open_to_all():
                yield fault("public_passwords", whose=", ".join(logins))
        elif others := foreign_suppliers():
            find = warning if settings["DEMO_ANYWAY"] else fault
            yield find("foreign_suppliers", suppliers=", ".join(others))


def _open_to_all() -> list[str]:
    """Return the logins that still have the password which each demonstration prints."""
    found = User.select().where(User.login.in_(list(PUBLIC_PASSWORDS))).order_by(User.login)
    return [user.login for user in found if is_password_of(user, PUBLIC_PASSWORDS[user.login])]


def _holds_data() -> bool:
    with db.connection():
        return bool(Supplier.select().exists())


def _write_settings(path: Path) -> None:
    text = path.read_text("utf-8") if path.exists() else ""
    kept = [line for line in text.splitlines() if line.split("=")[0].strip() not in LINES]
    # Keys go first: what follows a [table] would belong to it.
    lines = [f"{key} = {value}" for key, value in LINES.items()] + kept
    path.write_text("\n".join(lines) + "\n", "utf-8")
