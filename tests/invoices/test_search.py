"""What is typed: readings of a text, filters of an address, and why nothing is found (FAQ 11)."""

import re
from collections.abc import Callable
from datetime import date

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.invoices import queries
from selfservice.invoices.explanation import Explanation, explain_absence
from selfservice.invoices.filters import SORTS, Filters, Problem, clean_filters
from selfservice.invoices.search import (
    MAX_TERMS,
    Period,
    read_amount,
    read_period,
    read_terms,
    without,
)
from selfservice.invoices.words import term_label
from selfservice.suppliers.models import Supplier
from selfservice.texts import folded
from tests.conftest import Browser
from tests.factories import (
    People,
    make_company,
    make_invoice,
    make_profile,
    make_user,
    share_company,
)

NAMES = ("q", "kind", "du", "au", "contrat", "etat", "non_telechargees", "vue", "tri", "apres")


TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("1 234,50", (123_450, 123_450)),
        ("479€89", (47_989, 47_989)),
        ("1\u202f234,50", (123_450, 123_450)),
        ("1.234,50", (123_450, 123_450)),
        ("1 234.5", (123_450, 123_450)),
        ("-89,90", (8_990, 8_990)),
        ("\N{MINUS SIGN}89,90", (8_990, 8_990)),
        ("120", (12_000, 12_099)),
        ("2026", (202_600, 202_699)),
        ("12 345 678,90", (1_234_567_890, 1_234_567_890)),
        ("FA-12", None),
        ("1,234", None),
        ("12 34", None),
        ("", None),
        ("9" * 100, None),
    ],
)
def test_amounts_are_read_as_they_are_typed(text: str, cents: tuple[int, int] | None) -> None:
    assert read_amount(folded(text)) == cents


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("29/02", (2024, 2, 29), (2024, 2, 29)),
        ("22/11", (2025, 11, 22), (2025, 11, 22)),
        ("21/11", (2026, 11, 21), (2026, 11, 21)),
        ("décembre", (2025, 12, 1), (2025, 12, 31)),
        ("février 2024", (2024, 2, 1), (2024, 2, 29)),
        ("T4", (2026, 10, 1), (2026, 12, 31)),
        ("2e semestre 2025", (2025, 7, 1), (2025, 12, 31)),
        ("hier", (2026, 11, 20), (2026, 11, 20)),
        ("cette semaine", (2026, 11, 16), (2026, 11, 22)),
        ("semaine dernière", (2026, 11, 9), (2026, 11, 15)),
        ("trimestre précédent", (2026, 7, 1), (2026, 9, 30)),
        ("an dernier", (2025, 1, 1), (2025, 12, 31)),
    ],
)
def test_without_a_year_the_latest_is_meant(
    text: str, since: tuple[int, int, int], until: tuple[int, int, int]
) -> None:
    assert read_period(folded(text), TODAY) == Period(date(*since), date(*until))


@pytest.mark.parametrize(
    "text", ["jui 2026", "13/2026", "31/02/2026", "0000-01-01", "1er brumaire 2026", "x", "mois"]
)
def test_what_is_impossible_is_no_period(text: str) -> None:
    assert read_period(text, TODAY) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mars 12 345,60", ["mars", "12 345,60"]),
        ("12 mars 25 345,60", ["12 mars", "25 345,60"]),
        ("mars 2025 1 234,50", ["mars 2025", "1 234,50"]),
        ("12 / 03 / 2025", ["12 03 2025"]),
        ("novembre à février 2025", ["novembre à février 2025"]),
        ("du 15 décembre au 15 janvier 2026", ["15 décembre au 15 janvier 2026"]),
        ("n° de la facture du", []),
        (" ".join(f"x{each}" for each in range(30)), [f"x{each}" for each in range(7)]),
    ],
)
def test_words_that_belong_together_are_one_term(text: str, words: list[str]) -> None:
    assert [each.words for each in read_terms(text, TODAY)][: MAX_TERMS - 1] == words
    assert len(read_terms(text, TODAY)) <= MAX_TERMS


def test_a_span_takes_its_beginning_from_its_end() -> None:
    for text, since, until in (
        ("novembre à février 2025", date(2024, 11, 1), date(2025, 2, 28)),
        ("15 décembre au 15 janvier 2026", date(2025, 12, 15), date(2026, 1, 15)),
        ("du 1/3 au 15/3/2025", date(2025, 3, 1), date(2025, 3, 15)),
        ("2024 à 2025", date(2024, 1, 1), date(2025, 12, 31)),
        ("après mars 2025", date(2025, 4, 1), date.max),
    ):
        (term,) = read_terms(text, TODAY)
        assert term.period == Period(since, until), text


@given(st.text(max_size=120))
def test_no_text_breaks_a_reading(text: str) -> None:
    for term in (terms := read_terms(text, TODAY)):
        without(terms, term)
        term_label(term)
    cleaned = clean_filters(dict.fromkeys(NAMES, text))
    assert clean_filters(cleaned.args()).args() == cleaned.args()


@given(st.sampled_from(["", *SORTS, *(f"-{each}" for each in SORTS)]), st.text())
def test_any_key_is_one_of_the_order_or_none(sort: str, text: str) -> None:
    for key in (text, f"{text},2026-01-01,1", f"2026-01-01,{text},1", f"1,2026-01-01,{text}"):
        queries.read_key(Filters(sort=sort, after=key))


def test_an_address_keeps_all_that_is_asked() -> None:
    asked = {
        "q": "1 234,50",
        "kind": "invoice",
        "du": "2026-01-01",
        "au": "2026-01-31",
        "contrat": "K,1",
        "etat": "copy",
        "non_telechargees": "1",
        "historique": "tout",
        "vue": "a_archiver",
        "tri": "-ttc",
    }
    filters = clean_filters(asked | {"apres": "-120,2026-01-15,7"})
    assert (filters.since, filters.until) == (date(2026, 1, 1), date(2026, 1, 31))
    assert filters.args() == asked, "another page begins at its first row"
    assert filters.args(after=filters.after) == asked | {"apres": "-120,2026-01-15,7"}
    assert filters.args(q="", sort="") == {
        name: text for name, text in asked.items() if name not in ("q", "tri")
    }
    assert Filters().args() == {}


@pytest.mark.parametrize("text", ["", "0"])
def test_an_empty_box_is_not_ticked(text: str) -> None:
    assert clean_filters({"non_telechargees": text}) == Filters()


def test_newest_first_has_one_name() -> None:
    assert clean_filters({"tri": "-emise"}) == clean_filters({"tri": "absurd"}) == Filters()


def test_a_date_that_is_none_is_said_and_left_out() -> None:
    filters = clean_filters({"du": "31/02/2026", "au": " jamais "})
    assert (filters.since, filters.until) == (None, None)
    assert filters.problem("du") == Problem("du", "invalid", "31/02/2026")
    assert filters.problem("au") == Problem("au", "invalid", "jamais")
    assert clean_filters({"du": "1/2/2026"}).problems == ()


def test_a_period_that_ends_before_it_begins_is_said() -> None:
    filters = clean_filters({"du": "2026-02-01", "au": "2026-01-31"})
    assert filters.problems == (Problem("au", "reversed"),)
    assert clean_filters({"du": "2026-02-01", "au": "2026-02-01"}).problems == ()


NOW = "2026-11-21T09:30:00Z"
OPENED_ON = date(2022, 12, 2)


@pytest.mark.parametrize(
    ("asked", "explained"),
    [
        ({"q": "DC-001234"}, Explanation("former_login")),
        ({"q": "DL001234"}, None),
        ({"q": "juin 2022"}, Explanation("before_opening", OPENED_ON)),
        ({"q": "01/12/2022"}, Explanation("before_opening", OPENED_ON)),
        ({"q": "02/12/2022"}, Explanation("expired", date(2024, 11, 21))),
        ({"q": "20/11/2024"}, Explanation("expired", date(2024, 11, 21))),
        ({"q": "21/11/2024"}, None),
        ({"q": "novembre 2024"}, None),
        ({"du": "2021-01-01", "au": "2021-12-31"}, Explanation("before_opening", OPENED_ON)),
        ({"au": "2024-11-20"}, Explanation("expired", date(2024, 11, 21))),
        ({"au": "2024-11-21"}, None),
        ({"du": "2026-11-22"}, Explanation("future")),
        ({"du": "2026-11-21"}, None),
        ({"q": "FA-2021-0042"}, Explanation("before_opening", OPENED_ON, 2021)),
        ({"q": "FA-2023-0042"}, Explanation("expired", date(2024, 11, 21), 2023)),
        ({"q": "FA-2024-0042"}, None),
        ({"q": "2021-2023"}, None),
        ({"q": "FA-20210042"}, None),
        ({}, None),
    ],
)
def test_why_nothing_is_there_is_known(
    people: People, asked: dict[str, str], explained: Explanation | None
) -> None:
    Supplier.update(opened_on=OPENED_ON, former_prefixes="DC-,DL-").execute()
    with time_machine.travel(NOW):
        filters = clean_filters(asked)
        terms = read_terms(filters.q, clock.today())
        user = User.get_by_id(people.alice.id)
        assert explain_absence(user, filters, terms) == explained


def words(page: str) -> str:
    text = re.sub(r"<[^>]+>", "", page).replace("&nbsp;", " ").replace("\xa0", " ")
    return " ".join(text.split())


def test_the_page_says_why_and_whom_to_ask(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company)
    Supplier.update(
        opened_on=OPENED_ON, contact_name="Service clients", phone="01 23 45 67 89"
    ).execute()
    page = alice.get("/factures?q=juin+2022").text
    assert "Diac / Diac Location y publie ses factures depuis le 2 décembre 2022." in words(page)
    assert "Service clients, 01 23 45 67 89" in page
    assert "#historique-avant-2022-12-02" in page
    Supplier.update(contact_name="", phone="").execute()
    page = words(alice.get("/factures?q=FA-2023-1").text)
    assert "Les factures de 2023 ne sont pas sur ce portail" in page
    assert "adressez-vous à votre conseiller clientèle" in page
    Supplier.update(former_portal="E-Fact", former_prefixes="DC-,DL-").execute()
    page = words(alice.get("/factures?q=DL-77").text)
    assert "« DL-77 » ressemble à un identifiant de l’ancien portail" in page
    assert "ceux de l’ancien portail E-Fact : ils ne sont pas des numéros de facture" in page


def test_an_explanation_is_only_for_what_is_not_there(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company, number="DC-12 of 2021")
    for q in ("DC-12", "2021"):
        assert "DC-12 of 2021</a>" in alice.get(f"/factures?q={q}").text


def test_each_word_can_be_taken_off_where_nothing_is_left(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company, number="F-1")
    page = alice.get("/factures?q=F-1&kind=credit_note&etat=copy").text
    links = re.findall(r'href="(/factures[^"]*)"\s+aria-label="Enlever ([^"]*)"', page)
    assert links == [
        ("/factures?q=F-1&amp;etat=copy", "avoirs"),
        ("/factures?q=F-1&amp;kind=credit_note", "copies"),
        ("/factures?kind=credit_note&amp;etat=copy", "F-1"),
    ]
    assert words(page).count(": aucun document") == 3
    page = alice.get("/factures?q=F-1&kind=credit_note").text
    assert "Sans « avoirs » : 1 document" in words(page)


def test_who_misses_an_invoice_is_told_what_the_portal_knows(
    alice: Browser, people: People, new_browser: Callable[[], Browser]
) -> None:
    company = people.alice.company
    make_invoice(company, issued_on=clock.today(), contract="A")
    share_company(people.alice, name="Autre société")
    make_company(people.other_supplier, name="Chez un autre", email=people.alice.email)
    Supplier.update(contact_name="Service clients", phone="01 23 45 67 89").execute()
    page = words(alice.get("/factures").text)
    assert "Il manque une facture" in page
    assert f"a été émise le {clock.format_long_day(clock.today())}" in page
    assert "Autre société" in page and "Chez un autre" not in page
    assert "pendant 24 mois après son émission" in page and "01 23 45 67 89" in page
    Supplier.update(opened_on=clock.today()).execute()
    assert "publie ses factures ici depuis le" in words(alice.get("/factures").text)
    # An address that somebody typed tells nothing of other companies.
    profile = make_profile(company, "Véhicules", "A")
    make_user(company, "driver", email=people.alice.email, profile=profile)
    driver = new_browser()
    driver.sign_in("driver", people.password)
    page = words(driver.get("/factures").text)
    assert "Autre société" not in page and "« Véhicules »" in page
