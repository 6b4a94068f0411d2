"""Every field has a length, and what is printed on a terminal commands nothing."""

import time
from contextlib import suppress
from functools import partial

import pytest
from flask import Flask, request
from wtforms import StringField
from wtforms.validators import Length

from selfservice.accounts.forms import PortalForm
from selfservice.accounts.passwords import PasswordRefusedError, check, propose
from selfservice.cli import cli
from selfservice.feedback.wording import kept_words
from selfservice.suppliers.addresses import address_key, is_address, normalise, pasted
from selfservice.texts import identifier, one_form, password_form
from selfservice.web import MAX_HEADER_CHARACTERS, MAX_MESSAGES, MAX_VALUE_CHARACTERS
from tests.conftest import Browser
from tests.factories import People, make_user


def forms() -> list[type[PortalForm]]:
    found, waiting = [], [PortalForm]
    while waiting:
        below = waiting.pop().__subclasses__()
        found += below
        waiting += below
    return found


def text_fields(form: type[PortalForm]) -> list[StringField]:
    """Return the fields that take a text. Needs a request."""
    return [each for each in form() if isinstance(each, StringField) and each.name != "csrf_token"]


def test_every_text_field_of_a_form_has_a_length(app: Flask) -> None:
    assert len(forms()) > 10
    with app.test_request_context():
        for form in forms():
            for field in text_fields(form):
                lengths = [each.max for each in field.validators if isinstance(each, Length)]
                assert lengths and max(lengths) <= MAX_VALUE_CHARACTERS, (form, field.name)


def test_a_value_longer_than_any_field_is_cut(app: Flask) -> None:
    beyond = "a" * (MAX_VALUE_CHARACTERS + 1)
    with app.test_request_context(f"/?q={beyond}", method="POST", data={"login": beyond}):
        for values, name in ((request.args, "q"), (request.form, "login")):
            assert values[name] == beyond[:-1]


@pytest.mark.parametrize("spaces", [" ", "\t", " \t"])
def test_spaces_in_a_cookie_cost_nothing(app: Flask, spaces: str) -> None:
    """Read as they come, 30 kB of them took six seconds, and every other page waited."""
    cookie = f"a={spaces * (30_000 // len(spaces))}x y;"
    begun = time.thread_time()
    assert (
        app.test_client(use_cookies=False).get("/", headers={"Cookie": cookie}).status_code == 200
    )
    assert time.thread_time() - begun < 0.5


@pytest.mark.usefixtures("unshared")
def test_a_header_longer_than_any_is_cut(app: Flask) -> None:
    app.add_url_rule("/longueur", view_func=lambda: str(len(request.headers["User-Agent"])))
    long = {"User-Agent": "x" * 5000}
    assert app.test_client().get("/longueur", headers=long).text == str(MAX_HEADER_CHARACTERS)


def test_an_answer_leads_nowhere_by_a_longer_address_than_a_proxy_takes(browser: Browser) -> None:
    fields: dict[str, object] = {"next": "/" + "&" * (MAX_VALUE_CHARACTERS - 2)}
    answer = browser.submit("/connexion/code", fields, page="/connexion")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/connexion")
    bytes_of_no_letter = {"PATH_INFO": "/conseil/" + "\xff" * 8000}
    answer = browser.get("/", environ_overrides=bytes_of_no_letter)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/connexion")


def test_the_messages_that_nobody_looks_at_do_not_pile_up(browser: Browser) -> None:
    """Thousands of them fit into a cookie of 4 kB, and each request unpacked them all."""
    page = browser.get("/connexion").text
    token = page.split('name="csrf_token"')[1].split('value="')[1].partition('"')[0]
    for number in range(2 * MAX_MESSAGES):
        fields = {"csrf_token": f"{number}{token}"}
        assert browser.client.post("/connexion/code", data=fields).status_code == 302
    assert browser.get("/connexion").text.count("band is-error") == MAX_MESSAGES


def test_what_is_normalised_is_cut_first() -> None:
    marks = "\u0301\u0316" * 100_000
    names = ("\ufdfa " * 20,) * 2
    for each in (
        normalise,
        address_key,
        is_address,
        pasted,
        kept_words,
        one_form,
        identifier,
        password_form,
        partial(check, login="a", names=names),
        lambda text: check("Corn3muse-bleue", login=text, names=(text, text)),
        lambda text: propose(login=text, names=(text, text)),
    ):
        started = time.process_time()
        with suppress(PasswordRefusedError):
            each(marks)
        assert time.process_time() - started < 0.1, each


def test_a_login_longer_than_any_is_refused_on_its_page(browser: Browser, people: People) -> None:
    response = browser.submit("/connexion", {"login": "a" * 321, "password": "x"})
    assert response.status_code == 200
    assert "Ce texte est trop long." in response.text


@pytest.mark.postgresql
def test_an_address_that_grows_when_it_is_compared_is_no_fault(
    browser: Browser, people: People
) -> None:
    response = browser.submit("/recuperation", {"email": "İ" * 318 + "@x"})
    assert (response.status_code, "Aucun compte" in response.text) == (200, True)


def test_a_name_cannot_command_a_terminal(app: Flask, people: People) -> None:
    make_user(people.alice.company, "claire\x1b]0;titre\x07\x9b31m\u202e")
    output = app.test_cli_runner().invoke(cli, ["users", "list"]).output
    assert "claire\\x1b]0;titre\\x07\\x9b31m\\u202e" in output


def test_a_body_of_too_many_fields_or_escapes_is_refused_unread(app: Flask) -> None:
    client = app.test_client()
    form = "application/x-www-form-urlencoded"
    for many in ("a=x&" * 40_000, "a=" + "%F0" * 80_000):
        assert client.post("/connexion", data=many, content_type=form).status_code == 413
        # A page that looks for a field of its form reads it, whatever the method.
        assert client.get("/je-n-ai-rien-recu", data=many, content_type=form).status_code == 413
    part = 'Content-Disposition: form-data; name="x";' + "a=b;" * 30_000
    body = f"--b\r\n{part}\r\n\r\nx\r\n--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    assert client.post("/connexion", data=body, content_type=kind).status_code == 413
