"""The app on a real database, its people, and what every test needs."""

import contextvars
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings
from jinja2 import FileSystemBytecodeCache
from werkzeug.test import TestResponse

from selfservice import config, db
from selfservice.accounts import sessions, sign_in
from selfservice.accounts.models import User
from selfservice.accounts.views import visitor
from selfservice.app import create_app
from selfservice.operations import installation
from selfservice.queue import queue
from tests.factories import PASSWORD, People, give_second_factor, make_adviser, make_people

# A first mail may ask a slow resolver for the name of its host; no test judges by the clock.
settings.register_profile("portal", deadline=None)
settings.load_profile("portal")

pytest_plugins = [
    "tests.chromium",
    "tests.deposits.fixtures",
    "tests.mail.fixtures",
    "tests.needs",
    "tests.postgresql",
    "tests.demo.fixtures",  # after it: its processes ask whether PostgreSQL is selected
]

# A disk takes longer than most tests: what they write stays in memory where the fullest run fits.
MEMORY, ROOM_BYTES = Path("/dev/shm"), 2**31
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

CHEAP_HASHING = {"PASSWORD_HASH_MEMORY_KIB": "8", "PASSWORD_HASH_ITERATIONS": "1"}


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder around the instance: the same for every test of a process, so are its apps."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture
def instance(place: Path, monkeypatch: pytest.MonkeyPatch, database_url: str | None) -> Path:
    """An empty instance folder; settings go into `configure` before `app` is used."""
    shutil.rmtree(place)
    place.mkdir()
    folder = place / "instance"
    monkeypatch.setenv("SELFSERVICE_INSTANCE", str(folder))
    monkeypatch.setenv("SELFSERVICE_MAIL_TRANSPORT", "file")
    # Whether this checkout has built its help site changes nothing; those about it have their own.
    monkeypatch.setenv("SELFSERVICE_HELP_SITE_DIR", str(place / "no-help-site"))
    for name, value in CHEAP_HASHING.items():
        monkeypatch.setenv(f"SELFSERVICE_{name}", value)
    if database_url:
        monkeypatch.setenv("SELFSERVICE_DATABASE_URL", database_url)
    return folder


@pytest.fixture
def configure(instance: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set SELFSERVICE_<KEY>, before `app` is requested through `make_app`."""

    def set_keys(**keys: str) -> None:
        for name, value in keys.items():
            monkeypatch.setenv(f"SELFSERVICE_{name}", value)

    return set_keys


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance that `selfservice init` has just made, to be copied."""
    folder = tmp_path_factory.mktemp("installed") / "instance"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SELFSERVICE_DATABASE_URL", raising=False)
        installation.install(folder)
    return folder


class Apps:
    """The apps of a process, one for the same settings: an app costs more than a short test."""

    def __init__(self, templates: Path) -> None:
        self._templates = FileSystemBytecodeCache(str(templates))
        self._made: dict[str, tuple[Flask, dict[str, Any], dict[str, Any]]] = {}

    def get(self) -> Flask:
        """Return the app for the settings of the moment, as it was when it was made."""
        settings = config.load(config.instance_path())
        key = repr(sorted(settings.items()))
        if key not in self._made:
            app = create_app()
            app.jinja_env.bytecode_cache = self._templates
            app.test_client_class = IsolatedClient
            self._made[key] = app, dict(app.config), dict(app.extensions)
            return app
        app, made_config, made_extensions = self._made[key]
        for current, made in ((app.config, made_config), (app.extensions, made_extensions)):
            current.clear()
            current.update(made)
        db.configure(settings["DATABASE_URL"])
        queue.configure(settings["QUEUE_URL"])
        return app

    def forget(self) -> None:
        self._made.clear()


@pytest.fixture(scope="session")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Apps:
    return Apps(tmp_path_factory.mktemp("templates"))


@pytest.fixture
def unshared(apps: Apps) -> Iterator[None]:
    """For a test that gives its app a route: no other test has had it, none gets it."""
    apps.forget()
    yield
    apps.forget()


@pytest.fixture
def make_app(
    instance: Path, installed: Path, apps: Apps, database_url: str | None
) -> Iterator[Callable[[], Flask]]:
    """Give the app with the settings of the moment; its context and connection stay open."""
    stack = []

    def build() -> Flask:
        folder = config.instance_path()
        if database_url is None and not folder.exists():
            shutil.copytree(installed, folder)
        else:
            installation.install(folder)
        app = apps.get()
        context = app.app_context()
        context.push()
        db.ensure_open()
        stack.append(context)
        return app

    yield build
    queue.close()
    for context in reversed(stack):
        context.pop()
    if not db.database.is_closed():
        db.database.close()


@pytest.fixture
def app(make_app: Callable[[], Flask]) -> Flask:
    return make_app()


@pytest.fixture
def people(app: Flask) -> People:
    """alice (has invoices), bob (same supplier, other company), charlie (other supplier)."""
    return make_people()


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class IsolatedClient(FlaskClient):
    """Runs each request in an empty context, as a server would, beside the test's own."""

    def open(self, *args: object, **kwargs: object) -> TestResponse:
        kwargs.setdefault("buffered", True)  # so that files are closed
        return contextvars.Context().run(super().open, *args, **kwargs)  # type: ignore[arg-type]


class Browser:
    """A visitor over HTTP: keeps cookies, takes the CSRF token from the page it submits."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **kwargs: object) -> TestResponse:
        return self.client.get(path, **kwargs)  # type: ignore[arg-type]

    def submit(self, path: str, fields: dict[str, object], *, page: str = "") -> TestResponse:
        """Open `page` (or `path`), then POST the fields to `path` with its token."""
        html = self.client.get(page or path).get_data(as_text=True)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', html)
        token = found[1] if found else ""
        return self.client.post(path, data={"csrf_token": token, **fields})

    def sign_in(self, login: str, password: str) -> TestResponse:
        return self.submit("/connexion", {"login": login, "password": password})


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def new_browser(app: Flask) -> Callable[[], Browser]:
    return lambda: Browser(app.test_client())


@pytest.fixture
def alice(people: People, new_browser: Callable[[], Browser]) -> Browser:
    """A browser in which alice, an administrator, is signed in."""
    return let_in(new_browser(), people.alice)


@pytest.fixture
def bob(people: People, new_browser: Callable[[], Browser]) -> Browser:
    return let_in(new_browser(), people.bob)


@pytest.fixture
def charlie(people: People, new_browser: Callable[[], Browser]) -> Browser:
    return let_in(new_browser(), people.charlie)


@pytest.fixture
def nadia(people: People, new_browser: Callable[[], Browser]) -> Browser:
    """A browser in which an adviser of alice's and bob's supplier is signed in."""
    return sign_in_adviser(new_browser(), make_adviser(people.supplier, "nadia"))


@pytest.fixture
def marc(people: People, new_browser: Callable[[], Browser]) -> Browser:
    """The same of charlie's supplier."""
    return sign_in_adviser(new_browser(), make_adviser(people.other_supplier, "marc"))


def sign_in_adviser(browser: Browser, adviser: User) -> Browser:
    let_in(browser, adviser)
    give_second_factor(adviser)
    return browser


def let_in(browser: Browser, user: User) -> Browser:
    """Sign a user in as the page does, without it: it would cost more than many tests."""
    contextvars.Context().run(_let_in, browser.client, user.login)
    return browser


def _let_in(client: FlaskClient, login: str) -> None:
    with client.application.test_request_context() as context:
        secret = sign_in.sign_in(login, PASSWORD, origin="127.0.0.1", browser="Werkzeug")
        user = sessions.load(secret)
        assert user
        visitor.let_in(user)
        with client.session_transaction() as cookie:
            cookie.update(context.session)
