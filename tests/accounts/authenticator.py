"""The user's side of the second factor: an application on a phone, and a sheet of rescue codes."""

import re
from dataclasses import dataclass
from datetime import UTC

from pyotp import TOTP

from selfservice import clock
from selfservice.audit import AuditEntry
from tests.conftest import Browser
from tests.factories import PASSWORD

PAGE = "/profil/double-authentification"
CONFIRM = f"{PAGE}/confirmation"
CODE = "/connexion/code"
WRONG = "n’est pas valable, ou a déjà servi"


@dataclass(frozen=True)
class Phone:
    """What a user keeps after the setup."""

    totp: TOTP
    rescue_codes: list[str]

    def code(self, steps: int = 0) -> str:
        """Return the code of the moment, or of so many steps later."""
        return code_of(self.totp, steps)


def code_of(totp: TOTP, steps: int = 0) -> str:
    return totp.at(clock.now().replace(tzinfo=UTC), counter_offset=steps)


def scan(page: str) -> TOTP:
    """Read the key from the page of the setup."""
    groups = re.findall(r"<span>([A-Z2-7]{4})</span>", page)
    return TOTP("".join(groups))


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found, name
    return found[1]


def begin(browser: Browser) -> str:
    """Give the password and return the page of the setup."""
    return browser.submit(PAGE, {"current": PASSWORD}).text


def set_up(browser: Browser) -> Phone:
    """Set the second factor up for the signed-in user."""
    page = begin(browser)
    totp = scan(page)
    fields = {"setup": hidden(page, "setup"), "code": code_of(totp)}
    page = browser.submit(CONFIRM, fields, page=PAGE).text
    return Phone(totp, re.findall(r"<code>([\d ]+)</code>", page))


def enter(browser: Browser, code: str, **fields: str) -> str | None:
    """Sign alice in with password and code; return where that leads, None for nowhere."""
    sent = browser.submit("/connexion", {"login": "alice", "password": PASSWORD, **fields})
    assert sent.location.startswith(CODE), sent.text
    return browser.submit(CODE, {"code": code, **fields}, page=sent.location).location


def events() -> list[str]:
    """Return the events of the journal, oldest first."""
    return [entry.event for entry in AuditEntry.select().order_by(AuditEntry.id)]
