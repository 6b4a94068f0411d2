"""XML made to harm: refused by name, within time and memory; nothing outside it is ever read."""

from collections.abc import Callable

import pytest

from selfservice.deposits.document import Document
from tests.deposits.fixtures import Answer, seconds_of_readers
from tests.papers import cii, pdf

pytestmark = pytest.mark.slow


def deep(levels: int) -> bytes:
    return cii(contract="<ram:X>" * levels + "</ram:X>" * levels)


MILLION_ATTRIBUTES = " ".join(f'a{n}=""' for n in range(1_000_000))


def laughs(where: str) -> bytes:
    entities = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    declared = f'?>\n<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]>\n'
    return cii(number=where).replace(b"?>\n", declared.encode(), 1)


XMLS: dict[str, tuple[Callable[[], bytes], str]] = {
    "billion-laughs": (lambda: laughs("&l9;"), "doctype"),
    "billion-laughs-in-an-attribute": (
        lambda: laughs("F-1").replace(
            b"<rsm:CrossIndustryInvoice", b'<rsm:CrossIndustryInvoice a="&l9;"'
        ),
        "doctype",
    ),
    "quadratic-blow-up": (
        lambda: cii(number="&a;" * 1000).replace(
            b"?>\n", b'?>\n<!DOCTYPE x [<!ENTITY a "' + b"a" * 100_000 + b'">]>\n', 1
        ),
        "doctype",
    ),
    "external-entity": (
        lambda: cii(number="&a;").replace(
            b"?>\n", b'?>\n<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n', 1
        ),
        "doctype",
    ),
    "empty-doctype": (lambda: cii().replace(b"?>\n", b"?>\n<!DOCTYPE x>\n", 1), "doctype"),
    "doctype-in-utf-16": (
        lambda: laughs("F-1").decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        "doctype",
    ),
    "five-thousand-levels": (lambda: deep(5000), "broken_xml"),
    "a-million-elements": (lambda: cii(contract="<ram:X/>" * 1_000_000), "broken_xml"),
    "a-million-attributes": (
        lambda: cii(contract=f"<ram:X {MILLION_ATTRIBUTES}/>"),
        "broken_xml",
    ),
    "an-undeclared-entity": (lambda: cii(number="&passwd;"), "broken_xml"),
}


@pytest.mark.parametrize("name", XMLS)
def test_hostile_xml_is_refused_within_time_and_memory(name: str, answer: Answer) -> None:
    make, problem = XMLS[name]
    before = seconds_of_readers()
    found = answer(pdf(make()))
    assert isinstance(found, Document)
    assert found.own.problem == problem
    assert seconds_of_readers() - before < 6


def test_an_inclusion_is_never_followed(answer: Answer) -> None:
    include = (
        '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>'
    )
    found = answer(pdf(cii(number=f"F-1{include}")))
    assert isinstance(found, Document) and found.own.number == "F-1"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "iso-8859-1"])
def test_another_encoding_is_read_right_or_refused(encoding: str, answer: Answer) -> None:
    found = answer(pdf(cii().decode().replace("UTF-8", encoding).encode(encoding)))
    assert isinstance(found, Document)
    assert found.own.number == "F-1" or found.own.problem == "broken_xml"
