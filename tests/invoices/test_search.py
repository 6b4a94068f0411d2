"""What is typed: readings of a text, filters of an address, and why nothing is found (FAQ 11)."""

import re
from datetime import date

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from selfservice.accounts.models import User
from selfservice.invoices import queries
from selfservice.invoices.explanation import Explanation, explain_absence
from selfservice.invoices.filters import SORTS, Filters, Problem, clean_filters
from selfservice.invoices.search import Period, read_amount, read_day, read_period
from selfservice.suppliers.models import Supplier
from tests.conftest import Browser
from tests.factories import People, make_invoice

NAMES = ("q", "kind", "du", "au", "contrat", "etat", "non_telechargees", "vue", "tri", "apres")


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("1 234,50", 123_450),
        ("1\u202f234,50\xa0€", 123_450),
        ("1.234,50", 123_450),
        ("1234.5", 123_450),
        ("-89,90", 8_990),
        ("\N{MINUS SIGN}89,90 €", 8_990),
        ("120 EUR", 12_000),
        ("2026", 202_600),
        ("FA-12", None),
        ("1,234", None),
        ("€", None),
        ("", None),
        ("9" * 100, None),
    ],
)
def test_amounts_are_read_as_they_are_typed(text: str, cents: int | None) -> None:
    assert read_amount(text) == cents


@pytest.mark.parametrize(
    "text", ["12/03/2026", "2026-03-12", "12 mars 2026", "12.3.2026", " 12 MARS 2026 "]
)
def test_days_are_read_as_they_are_typed(text: str) -> None:
    assert read_day(text) == date(2026, 3, 12)
    assert read_period(text) == Period(date(2026, 3, 12), date(2026, 3, 12))


@pytest.mark.parametrize(
    "text", ["février 2024", "fevrier 2024", "FÉVRIER  2024", "févr. 2024", "02/2024", "2024-02"]
)
def test_months_are_read_whole(text: str) -> None:
    assert read_period(text) == Period(date(2024, 2, 1), date(2024, 2, 29))


@pytest.mark.parametrize(
    "text",
    ["2026", "mars", "jui 2026", "13/2026", "31/02/2026", "0000-01-01", "1er brumaire 2026", "x"],
)
def test_what_is_too_vague_or_impossible_is_no_period(text: str) -> None:
    assert read_period(text) is None


def test_the_first_of_a_month_is_written_in_words() -> None:
    assert read_day("1er mai 2026") == date(2026, 5, 1)


@given(st.text(max_size=120))
def test_no_text_breaks_a_reading(text: str) -> None:
    read_amount(text)
    read_period(text)
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
        "contrat": " K,1",
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
    filters = clean_filters({"du": "31/02/2026", "au": " hier "})
    assert (filters.since, filters.until) == (None, None)
    assert filters.problem("du") == Problem("du", "invalid", "31/02/2026")
    assert filters.problem("au") == Problem("au", "invalid", "hier")
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
        ({"q": "DC-001234"}, Explanation("old_login")),
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
    Supplier.update(opened_on=OPENED_ON).execute()
    with time_machine.travel(NOW):
        assert explain_absence(User.get_by_id(people.alice.id), clean_filters(asked)) == explained


def words(page: str) -> str:
    text = re.sub(r"<[^>]+>", "", page).replace("&nbsp;", " ").replace("\xa0", " ")
    return " ".join(text.split())


def test_the_page_says_why_and_whom_to_ask(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company)
    Supplier.update(opened_on=OPENED_ON, contact="Service clients, 01 23 45 67 89").execute()
    page = alice.get("/factures?q=juin+2022").text
    assert "Diac / Diac Location y publie ses factures depuis le 2 décembre 2022." in words(page)
    assert "Service clients, 01 23 45 67 89" in page
    assert "#historique-avant-2022-12-02" in page
    Supplier.update(contact="").execute()
    page = words(alice.get("/factures?q=FA-2023-1").text)
    assert "Les factures de 2023 ne sont pas sur ce portail" in page
    assert "adressez-vous à votre conseiller clientèle" in page
    assert "ressemble à un identifiant E-Fact" in alice.get("/factures?q=DL-77").text


def test_an_explanation_is_only_for_what_is_not_there(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company, number="DC-12 of 2021")
    for q in ("DC-12", "2021"):
        assert "DC-12 of 2021</a>" in alice.get(f"/factures?q={q}").text


def test_each_filter_can_be_taken_off_where_nothing_is_left(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company, number="F-1")
    page = alice.get("/factures?q=F-1&kind=credit_note&etat=copy").text
    links = re.findall(r'href="(/factures[^"]*)">Enlever ([^<]*)<', page)
    assert [label for _, label in links] == ["la recherche «\xa0F-1\xa0»", "le type", "l’état"]
    assert links[0][0] == "/factures?kind=credit_note&amp;etat=copy"
