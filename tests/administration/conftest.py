"""A colleague whom alice added, and colleagues who administer beside her."""

from collections.abc import Callable

import pytest
from lxml import html
from werkzeug.test import TestResponse

from selfservice.accounts.models import User
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_user


@pytest.fixture
def julie(people: People) -> User:
    return make_user(
        people.alice.company,
        "julie",
        email="julie@example.com",
        last_name="Martin",
        first_name="Élodie",
    )


@pytest.fixture
def dave(people: People) -> User:
    """A second administrator of alice's company, added and not activated."""
    return make_user(people.alice.company, "dave", is_administrator=True)


@pytest.fixture
def enter(new_browser: Callable[[], Browser]) -> Callable[[User], Browser]:
    """Sign a user in, in a browser of their own."""

    def sign_in(user: User) -> Browser:
        browser = new_browser()
        assert browser.sign_in(user.login, PASSWORD).status_code == 302
        return browser

    return sign_in


def edited(user: User, **changes: object) -> dict[str, object]:
    """Return what the form « Modifier » sends for a user, with changes; None leaves a field out."""
    fields: dict[str, object] = {
        "last_name": user.last_name,
        "first_name": user.first_name,
        "email": user.email or "",
        "phone": user.phone,
        "mobile": user.mobile,
        "profile_id": str(user.profile_id or ""),
    }
    fields |= {name: "y" for name in ("is_active", "is_administrator") if getattr(user, name)}
    return {name: value for name, value in (fields | changes).items() if value is not None}


def page_of(user: User, *rest: str) -> str:
    return "/".join(("/administration/utilisateurs", str(user.id), *rest))


class OpenPage:
    """A page left open for a while: its form sends what it showed, but for changes."""

    def __init__(self, browser: Browser, path: str) -> None:
        self._browser, self._path = browser, path
        page = html.fromstring(browser.get(path).text)
        self._form = next(
            each for each in page.forms if each.action == path and "q" not in each.fields
        )

    def send(self, **changes: object) -> TestResponse:
        shown: dict[str, list[object]] = {}
        for name, value in self._form.form_values():
            shown.setdefault(name, []).append(value)
        return self._browser.client.post(self._path, data=shown | changes)
