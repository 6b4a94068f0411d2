"""The one form of a text: what people and machines write in two ways is one text."""

import unicodedata
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfservice.suppliers.addresses import address_key, normalise
from selfservice.texts import (
    composed,
    identifier,
    one_form,
    password_form,
    unbroken,
    unbroken_page,
)

UNSEEN = st.sampled_from("\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u2060\u2066\ufe0f\ufeff")
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"
SPACES = " \t\u00a0\u2009\u202f\u3000"
LETTERS = st.text(st.characters(categories=("L", "Nd", "P", "S")), min_size=1, max_size=30)


@pytest.mark.parametrize(
    "written",
    [
        "CE\u0301-1",
        "CÉ\u20111",
        "CÉ\u20131",
        " CÉ-1\u00a0",
        "C\u200bÉ-1",
        "CE\u200d\u0301-1",
        "\ufeffCÉ-1",
        "CÉ\u00ad-1",
        "\u202aCÉ\u22121\u202c",
    ],
)
def test_a_number_has_one_form_whoever_wrote_it(written: str) -> None:
    assert identifier(written) == "CÉ-1"
    assert normalise(written) == "cé-1"


@pytest.mark.parametrize(
    "written", ["C\u202fA  12", "C\u00a0A 12", " C\u2009A\t12\r\n", "C\u3000A 12"]
)
def test_every_kind_of_space_is_one_space(written: str) -> None:
    assert one_form(written) == "C A 12"


def test_a_name_keeps_its_dashes_and_its_overrides_stay_to_be_refused() -> None:
    assert one_form("Durand \u2013 Fils") == "Durand \u2013 Fils"
    assert identifier("F\u202e1") == "F\u202e1"


@given(LETTERS)
def test_forms_of_unicode_end_alike(text: str) -> None:
    forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")}
    for form in (composed, one_form, identifier, password_form, normalise):
        assert len({form(each) for each in forms}) == 1


@given(st.text(max_size=60))
def test_a_form_is_its_own_form(text: str) -> None:
    for form in (composed, one_form, identifier, password_form):
        assert form(form(text)) == form(text)


@given(st.lists(LETTERS, min_size=1, max_size=5), st.data())
def test_what_nobody_sees_and_how_a_dash_is_written_change_no_number(
    words: list[str], data: st.DataObject
) -> None:
    dashes = st.sampled_from(DASHES)
    other = "".join(f"{data.draw(UNSEEN)}{data.draw(dashes)}{word}" for word in words)
    assert identifier(other) == identifier("".join(f"-{word}" for word in words))


@given(LETTERS, LETTERS, st.sampled_from(SPACES), st.sampled_from(SPACES))
def test_how_a_space_is_written_changes_no_text(a: str, b: str, one: str, two: str) -> None:
    assert identifier(f"{a}{one}{b}") == identifier(f"{two}{a}{two}{b}{one}")


def test_a_password_keeps_its_dashes_its_case_and_its_edges() -> None:
    assert password_form(" E\u0301te\u0301\u2013\u00a02026 ") == " Été\u2013 2026 "


def test_no_line_begins_with_a_sign_nor_ends_with_an_opening_one() -> None:
    assert unbroken("Vrai ? « Oui » ; non : 3 !") == (
        "Vrai\u202f? «\u00a0Oui\u00a0»\u202f; non\u00a0: 3\u202f!"
    )


def test_a_page_keeps_what_its_reader_sends_back() -> None:
    style, area = "<style>b { color: red !important }</style>", "<textarea>a ; b</textarea>"
    code = '<pre><span></span><code>a ; <span class="k">[ b ]</span> ? c</code></pre>'
    kept = style, '<input value="a : b">', area, code
    page = "{}<p>Vrai ? <b>« Oui »</b> : 3, « : »</p>{}{}{}".format(*kept)
    assert unbroken_page(page.encode()).decode() == (
        "{}<p>Vrai\u202f? <b>«\u00a0Oui\u00a0»</b>\u00a0: 3, «\u00a0:\u00a0»</p>{}{}{}".format(
            *kept
        )
    )


@pytest.mark.parametrize("sign", [" :", "« ", " »"])
@pytest.mark.parametrize("around", ["<p>{}</p>", "<textarea>{}</textarea>", '<i title="{}">'])
def test_a_page_full_of_signs_takes_as_long_as_its_length(sign: str, around: str) -> None:
    page = around.format(sign * 100_000).encode()
    began = process_time()
    unbroken_page(page)
    assert process_time() - began < 0.1


def test_an_address_copied_with_what_nobody_sees_is_the_same() -> None:
    assert address_key("\u200bPierre@Exam\u00adple.com\ufeff") == "pierre@example.com"
