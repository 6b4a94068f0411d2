"""Another supplier adopts the portal by settings: nothing shown keeps the former name."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from docs_tools import build, portal_facts
from selfservice import config, worker
from selfservice.config import REPOSITORY
from selfservice.mail.outbox import OutboxMail
from tests.conftest import Browser
from tests.factories import PASSWORD, make_company, make_people, make_supplier, make_user
from tests.mail.test_golden import CASES

pytestmark = pytest.mark.slow  # every page of an instance

OLD, NEW = "E-Facture", "Mon Espace Factures"
# The only home of the name, and what is no text of the portal: steps of screenshots, a dictionary.
HOMES = {"selfservice/config/keys.py", "docs_tools/captures.yml", "docs_tools/mots.txt"}


def sources() -> Iterator[Path]:
    for folder in ("selfservice", "templates", "site_docs", "docs_tools"):
        for path in (REPOSITORY / folder).rglob("*"):
            if path.suffix in (".py", ".html", ".txt", ".md", ".yml", ".js", ".css", ".po"):
                yield path
    yield REPOSITORY / "mkdocs.yml"


@pytest.fixture
def renamed(configure: Callable[..., None], make_app: Callable[[], Flask]) -> Flask:
    configure(PORTAL_NAME=NEW)
    return make_app()


def test_name_is_written_in_the_settings_alone() -> None:
    found = {
        str(path.relative_to(REPOSITORY)) for path in sources() if OLD in path.read_text("utf-8")
    }
    assert found <= HOMES


def paths(app: Flask) -> list[str]:
    """Return each address that takes nothing, and one that is not there."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    return [*sorted(rule.rule for rule in rules if not rule.arguments), "/nulle-part"]


def test_no_page_shows_the_former_name(renamed: Flask) -> None:
    alice = make_people().alice
    make_supplier("autre")
    signed_in, anonymous = Browser(renamed.test_client()), Browser(renamed.test_client())
    signed_in.sign_in(alice.login, PASSWORD)
    shown = 0
    for path in paths(renamed):
        for browser in (signed_in, anonymous):
            answer = browser.get(path)
            assert OLD.encode() not in answer.data, path
            assert OLD not in str(answer.headers), path
            shown += NEW.encode() in answer.data
    assert shown > 3


@time_machine.travel("2026-03-02T17:30:00Z", tick=False)
@pytest.mark.parametrize("name", CASES)
def test_no_mail_names_the_former_one(name: str, renamed: Flask) -> None:
    kind, cause = CASES[name]
    cause()
    mail = OutboxMail.get(OutboxMail.kind == kind)
    said = f"{mail.subject}{mail.sender_name}{mail.body_text}{mail.body_html}{mail.attachment_name}"
    assert OLD not in said
    if kind in ("activation", "recovery"):
        assert NEW in mail.subject and NEW in mail.body_text


@pytest.mark.slow
def test_help_has_the_name_and_the_legal_notice_of_the_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "config.toml").write_text(
        f'PORTAL_NAME = "{NEW}"\nPUBLIC_URL = "https://factures.martin.example"\n'
        'PUBLISHER_NAME = "Fournitures Martin SARL"\nPUBLISHER_PHONE = "05 00 00 00 00"\n'
    )
    monkeypatch.setenv("SELFSERVICE_INSTANCE", str(tmp_path / "instance"))
    build.run_mkdocs({tmp_path / "site": build.CONFIGURATIONS[""]})
    pages = {path: path.read_text("utf-8") for path in (tmp_path / "site").rglob("*.html")}
    index = json.loads((tmp_path / "site" / "search" / "search_index.json").read_text("utf-8"))
    pages |= {Path(each["location"]): str(each) for each in index["docs"]}
    assert len(pages) > 100
    for page, text in pages.items():
        assert OLD not in text, page
        assert "e-facture.net" not in text, page
    faq = (tmp_path / "site" / "foire-aux-questions" / "index.html").read_text("utf-8")
    assert NEW in faq
    notice = (tmp_path / "site" / "mentions-legales" / "index.html").read_text("utf-8")
    assert "Fournitures Martin SARL" in notice and "05 00 00 00 00" in notice
    assert "Hébergeur</strong>" not in notice, "what is not set is not named"
    home = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert f"<title>Accueil - {NEW}" in home or NEW in home.partition("</title>")[0]
    assert '<link rel="canonical" href="https://factures.martin.example/aide/' in home


def test_fact_that_no_supplier_has_is_refused() -> None:
    for macro in (portal_facts.with_fact, portal_facts.without_fact):
        with pytest.raises(portal_facts.UnknownFactError):
            macro("colour")


@pytest.mark.parametrize("wrong", ["", "  ", "a" * 41, "<b>", 'dit "x"', "a{b}", "R&D\n", "a\x00b"])
def test_wrong_name_is_refused(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(config.ConfigurationError, match="PORTAL_NAME"):
        config.load(tmp_path, {"SELFSERVICE_PORTAL_NAME": wrong})


def test_worker_tells_a_batch_in_one_line_and_says_nothing_of_none(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    worker._notify_and_deliver()
    assert [each for each in caplog.records if each.name == "selfservice.worker"] == []
    company = make_company(make_supplier("diac"), email="pierre@example.com")
    make_user(company, login="alice")
    with caplog.at_level(logging.INFO, logger="selfservice.worker"):
        CASES["activation-plain"][1]()
        worker._notify_and_deliver()
    lines = [each for each in caplog.records if each.name == "selfservice.worker"]
    assert [each.message for each in lines] == ["mails"]
    assert json.dumps(lines[0].facts)  # type: ignore[attr-defined]
