"""Making an instance a demonstration, before the app is built."""

from pathlib import Path

from selfservice import config, db
from selfservice.operations import installation
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
    _write_settings(instance / "config.toml")


def _holds_data() -> bool:
    with db.connection():
        return bool(Supplier.select().exists())


def _write_settings(path: Path) -> None:
    text = path.read_text("utf-8") if path.exists() else ""
    kept = [line for line in text.splitlines() if line.split("=")[0].strip() not in LINES]
    # Keys go first: what follows a [table] would belong to it.
    lines = [f"{key} = {value}" for key, value in LINES.items()] + kept
    path.write_text("\n".join(lines) + "\n", "utf-8")
