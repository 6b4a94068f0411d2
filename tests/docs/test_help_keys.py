"""Help where it hurts: every error and every form of the portal leads to the answer."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask, abort
from lxml import html

import selfservice
from docs_tools.built_site import BuiltSite
from selfservice.accounts.forms import PortalForm
from selfservice.config import REPOSITORY
from selfservice.help import PREFIX, HelpfulText, help_url
from selfservice.ratelimit import LimitReachedError
from selfservice.web import PAGES_OF_ERRORS
from tests.conftest import Browser
from tests.factories import People

CALL = re.compile(r"help_(?:url|link)\(([^,)]*)")
LITERAL = re.compile(r"['\"]([^'\"]+)['\"]")
KNOWN_AT_RUN_TIME = {
    "error.help_key",
    "error.help_key or form.help_key",
    "form.help_key",
    "key",
    "state.help_key",
    "advice.help_key",
}


def keys_of_messages() -> Iterator[tuple[str, str]]:
    """Yield where each message and form of the portal sends for help."""
    for module in pkgutil.walk_packages(selfservice.__path__, "selfservice."):
        if module.name.endswith((".messages", ".forms")):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, HelpfulText) or (
                    isinstance(value, type) and issubclass(value, PortalForm)
                ):
                    yield f"{module.name}.{name}", value.help_key


def keys_of_sources() -> Iterator[tuple[str, str]]:
    """Yield the keys that templates and code write; none may be computed unseen."""
    for folder, pattern in (("templates", "**/*.*"), ("selfservice", "**/*.py")):
        for path in sorted((REPOSITORY / folder).glob(pattern)):
            text = re.sub(r"def help_url\(.*|macro help_link\(.*", "", path.read_text("utf-8"))
            for argument in CALL.findall(text):
                if argument not in KNOWN_AT_RUN_TIME:
                    keys = LITERAL.findall(argument)
                    assert keys, (path, argument)
                    yield from ((str(path.relative_to(REPOSITORY)), key) for key in keys)


@pytest.mark.parametrize(("place", "key"), sorted({*keys_of_messages(), *keys_of_sources()}))
def test_every_key_lands_on_an_anchor_of_the_site(place: str, key: str, site: BuiltSite) -> None:
    target = urlsplit(help_url(key))
    assert target.path in site.pages, place
    assert not target.fragment or target.fragment in site.pages[target.path].ids, place


def test_both_collections_find_what_they_look_for() -> None:
    messages = dict(keys_of_messages())
    assert messages["selfservice.accounts.messages.BAD_CREDENTIALS"] == "connexion-impossible"
    assert messages["selfservice.accounts.forms.PreferencesForm"] == "factures-plus-3-mois"
    assert ("templates/errors/404.html", "duree-disponibilite") in set(keys_of_sources())


def links_to_help(page: str) -> list[str]:
    links = html.document_fromstring(page).xpath("//main//a/@href")
    return [link for link in links if link.startswith(PREFIX)]


def test_every_page_with_a_form_links_to_help(alice: Browser, browser: Browser, app: Flask) -> None:
    seen = set()
    for rule in app.url_map.iter_rules():
        is_portal = not rule.rule.startswith(PREFIX)
        if "GET" in (rule.methods or ()) and not rule.arguments and is_portal:
            for visitor in (alice, browser):
                response = visitor.get(rule.rule)
                page = response.text if response.mimetype == "text/html" else ""
                if "<main" in page and html.document_fromstring(page).xpath("//main//form"):
                    assert links_to_help(page), rule.rule
                    seen.add(rule.rule)
    assert {"/", "/recuperation", "/profil/sessions", "/profil/compte"} <= seen


@pytest.mark.usefixtures("unshared")
@pytest.mark.parametrize("code", PAGES_OF_ERRORS)
def test_every_error_page_links_to_help(code: int, app: Flask, people: People) -> None:
    def fail() -> str:
        if code == 429:
            raise LimitReachedError("sign_in_ip", 60)
        abort(code)

    app.add_url_rule("/faute", view_func=fail)
    response = app.test_client().get("/faute")
    assert response.status_code == code
    assert links_to_help(response.text)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/connexion", {}),
        ("/connexion", {"login": "x", "password": "x"}),
        ("/recuperation", {}),
        ("/recuperation", {"email": "x"}),
        ("/recuperation", {"email": "personne@example.com"}),
        ("/profil/preferences", {"display_history_months": "5"}),
        ("/profil/mot-de-passe", {}),
        ("/profil/mot-de-passe", {"current": "x", "password": "x", "confirmation": "y"}),
        ("/profil/compte", {"last_name": "x" * 101, "phone": "\x00"}),
        ("/administration/utilisateurs/ajout", {}),
    ],
)
def test_every_error_shown_links_to_help(
    path: str, fields: dict[str, object], alice: Browser, browser: Browser
) -> None:
    visitor = browser if path in ("/connexion", "/recuperation") else alice
    tree = html.document_fromstring(visitor.submit(path, fields).text)
    (summary,) = tree.xpath("//*[@id='erreurs']")
    # Faults that one section explains share its link, which stands at the first of them.
    first = (summary.xpath(".//li") or [summary])[0]
    assert first.xpath(f".//a[starts-with(@href, '{PREFIX}')]"), first.text_content()
    shown = summary.xpath(f".//a[starts-with(@href, '{PREFIX}')]/@href")
    assert len(set(shown)) == len(shown)
