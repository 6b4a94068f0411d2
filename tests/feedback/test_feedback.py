"""Votes on the help and searches in vain: counted by day, of nobody, ranked for writers."""

from collections.abc import Callable
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from selfservice import clock
from selfservice.audit import AuditEntry
from selfservice.cli import cli
from selfservice.feedback import counting
from selfservice.feedback.models import HelpVote, MissedSearch
from selfservice.feedback.wording import kept_words
from selfservice.ratelimit import RateCounter
from selfservice.retention import purge, records
from tests.conftest import Browser

FAQ = "foire-aux-questions/"
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def app(configure: Callable[..., None], make_app: Callable[[], Flask], tmp_path: Path) -> Flask:
    site = tmp_path / "site"
    (site / FAQ).mkdir(parents=True)
    for folder in (site, site / FAQ):
        folder.joinpath("index.html").write_text("<p>aide</p>", "utf-8")
    (tmp_path / "index.html").write_text("<p>ailleurs</p>", "utf-8")
    configure(HELP_SITE_DIR=str(site))
    return make_app()


def vote(browser: Browser, page: str = FAQ, useful: str = "oui", **headers: str) -> TestResponse:
    fields = {"page": page, "useful": useful}
    return browser.client.post("/avis", data=fields, headers=headers or OURS)


def votes() -> list[tuple[str, bool, int]]:
    query = HelpVote.select().order_by(HelpVote.page, HelpVote.is_useful)
    return [(each.page, each.is_useful, each.votes) for each in query]


def test_votes_of_a_day_are_one_row_and_lead_back_to_the_page(browser: Browser) -> None:
    for useful in ("non", "oui", "oui"):
        response = vote(browser, useful=useful)
        assert response.status_code == 303
    assert votes() == [(FAQ, False, 1), (FAQ, True, 2)]
    thanks = browser.get(response.headers["Location"]).text
    assert f'href="/aide/{FAQ}">Revenir à la page' in thanks


@pytest.mark.parametrize(
    ("page", "question", "counted"),
    [
        (FAQ, "se-connecter", f"{FAQ}#se-connecter"),
        (FAQ, "", FAQ),
        (FAQ, "inconnue", FAQ),
        (FAQ, "guide", FAQ),
        ("", "se-connecter", ""),
    ],
)
def test_a_vote_in_the_faq_is_on_its_question(
    browser: Browser, page: str, question: str, counted: str
) -> None:
    fields = {"page": page, "useful": "non", "question": question}
    assert browser.client.post("/avis", data=fields, headers=OURS).status_code == 303
    assert votes() == [(counted, False, 1)]


def test_a_vote_needs_no_cookie_and_leaves_none(browser: Browser) -> None:
    response = vote(browser, page="")
    assert "Set-Cookie" not in response.headers
    assert votes() == [("", True, 1)]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://ailleurs.example"},
        {"Origin": "http://localhost.ailleurs.example"},
        {"Origin": "null"},
        {"Referer": "http://localhost/aide/"},
    ],
    ids=str,
)
def test_what_another_site_sends_is_refused(browser: Browser, headers: dict[str, str]) -> None:
    assert vote(browser, **headers).status_code == 400
    searched = browser.client.post("/avis/recherche", data={"q": "avoir"}, headers=headers)
    assert searched.status_code == 400
    assert (HelpVote.select().count(), MissedSearch.select().count()) == (0, 0)


def test_an_older_browser_is_believed_by_its_origin(browser: Browser) -> None:
    assert vote(browser, Origin="http://localhost").status_code == 303


@pytest.mark.parametrize(
    ("page", "useful"),
    [
        ("inconnue/", "oui"),
        ("../", "oui"),
        ("foire-aux-questions", "oui"),
        ("/etc/", "oui"),
        (f"{FAQ}\x00", "oui"),
        ("x" * 5000, "oui"),
        (FAQ, ""),
        (FAQ, "peut-être"),
    ],
)
def test_only_yes_or_no_to_a_page_that_exists_counts(
    browser: Browser, page: str, useful: str
) -> None:
    assert vote(browser, page, useful).status_code == 400
    assert votes() == []


def test_thanks_lead_nowhere_but_into_the_help(browser: Browser) -> None:
    for page in ("//ailleurs.example/", "../", "inconnue/"):
        assert 'href="/aide/">Revenir' in browser.get(f"/avis?page={page}").text


def test_votes_and_searches_are_limited_together_and_name_nobody(
    app: Flask, browser: Browser
) -> None:
    app.config["LIMIT_FEEDBACK_IP"] = "2/hour"
    codes = [vote(browser).status_code for _ in range(2)]
    last = browser.client.post("/avis/recherche", data={"q": "avoir"}, headers=OURS)
    assert [*codes, last.status_code] == [303, 303, 429]
    assert "127.0.0.1" not in " ".join(row.key for row in RateCounter.select())
    assert AuditEntry.select().where(AuditEntry.event != "limit.reached").count() == 0


def test_what_is_refused_uses_up_nobodys_votes(app: Flask, browser: Browser) -> None:
    app.config["LIMIT_FEEDBACK_ALL"] = "1/hour"
    assert [vote(browser, "inconnue/").status_code for _ in range(3)] == [400] * 3
    assert [vote(browser).status_code for _ in range(2)] == [303, 429]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Remboursement   CLIENT ", "remboursement client"),
        ("facture 2021", "facture 2021"),
        ("24 mois", "24 mois"),
        ("jean.petit@example.com pas reçu", "# pas reçu"),
        ("jean.petit＠example.com", ""),
        ("identifiant pierre.durand_1", "identifiant #"),
        ("client 100245", "client #"),
        ("facture FA-2026-0012", "facture #"),
        ("siren 552 100 554", "siren # # #"),
        ("01 23 45 67 89", ""),
        ("DL-1", ""),
        ("rouge\x1b \u202evif", "rouge vif"),
        ("", ""),
    ],
)
def test_words_that_could_name_somebody_are_not_kept(typed: str, kept: str) -> None:
    assert kept_words(typed) == kept


@given(st.text(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_no_search_keeps_a_long_number_an_address_or_a_hidden_sign(typed: str) -> None:
    kept = kept_words(typed)
    assert len(kept) <= 80
    assert "@" not in kept
    assert sum(each.isdigit() for each in kept) <= 4
    assert kept.isprintable()


def test_searches_in_vain_are_counted_by_day(browser: Browser) -> None:
    for words in ("Avoir", "avoir ", "jean@example.com"):
        answer = browser.client.post("/avis/recherche", data={"q": words}, headers=OURS)
        assert (answer.status_code, answer.text) == (204, "")
    assert [(row.words, row.times) for row in MissedSearch.select()] == [("avoir", 2)]


def test_writers_read_the_pages_by_their_share_of_no_and_the_searches(app: Flask) -> None:
    for page, useful, count in ((FAQ, True, 1), (FAQ, False, 2), ("", True, 3), ("", False, 1)):
        for _ in range(count):
            counting.count_vote(page, is_useful=useful)
    for words in ("remboursement", "avoir", "avoir"):
        counting.count_missed_search(words)
    for question in ("se-connecter", "adresse-notification", "se-connecter"):
        counting.count_call(question)
    month = f"{clock.today():%Y-%m}"
    with time_machine.travel(clock.add_months(clock.today(), -2), tick=False):
        counting.count_call("se-connecter")
        before = f"{clock.today():%Y-%m}"
    result = app.test_cli_runner().invoke(cli, ["docs", "feedback"])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "page\t67 %\t2 non sur 3\t/aide/foire-aux-questions/",
        "page\t25 %\t1 non sur 4\t/aide/",
        "recherche\t2\tavoir",
        "recherche\t1\tremboursement",
        f"appel\t{month}\t2\t/aide/foire-aux-questions/#se-connecter",
        f"appel\t{month}\t1\t/aide/foire-aux-questions/#adresse-notification",
        f"appel\t{before}\t1\t/aide/foire-aux-questions/#se-connecter",
        f"avis\t{month}\t2 non sur 3\t/aide/foire-aux-questions/",
        f"avis\t{month}\t1 non sur 4\t/aide/",
        f"sans résultat\t{month}\t3",
        "7 avis sur 2 page(s), 3 recherche(s) sans résultat, 4 appel(s), en 6 mois au plus.",
    ]


def test_counts_go_after_six_months(app: Flask) -> None:
    today = clock.today()
    for day in (today, clock.add_months(today, -records.FEEDBACK_MONTHS)):
        with time_machine.travel(f"{day}T12:00:00Z", tick=False):
            counting.count_vote(FAQ, is_useful=True)
            counting.count_missed_search("avoir")
            counting.count_call("se-connecter")
    done = purge.purge()
    assert (done["help_votes"], done["missed_searches"], done["calls"]) == (1, 1, 1)
    assert HelpVote.get().voted_on == MissedSearch.get().searched_on == today


def test_counts_say_the_day_at_paris(app: Flask) -> None:
    with time_machine.travel("2026-06-30T22:30:00Z", tick=False):
        counting.count_vote(FAQ, is_useful=True)
    assert str(HelpVote.get().voted_on) == "2026-07-01"
