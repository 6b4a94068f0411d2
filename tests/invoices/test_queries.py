"""What customers type into the search, and the documents of the demonstration that it must find.

Durand Transports has 87 documents on 21/11/2026: three contracts (-1, -2, -3), an invoice a month
each, and credit notes (AV). A pattern stands for the numbers that it matches.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest
import time_machine

from selfservice.accounts.models import User
from selfservice.db import database
from selfservice.demo.plan import planned
from selfservice.demo.register import DIAC
from selfservice.invoices import queries
from selfservice.invoices.filters import Filters, clean_filters
from selfservice.invoices.listing import list_invoices
from tests.factories import People, make_company, make_invoice, make_user

NOW = "2026-11-21T10:00:00Z"
CLIENT = "100245"
QUERIES = {
    # A number, whole or in part, however its parts are held together.
    "FL2503-100245-2": "FL2503-100245-2",
    "fl2503-100245-2": "FL2503-100245-2",
    "FL2503 100245 2": "FL2503-100245-2",
    "fl 2503 100245 2": "FL2503-100245-2",
    "FL 2503-100245/2": "FL2503-100245-2",
    "FL2503.100245.2": "FL2503-100245-2",
    "FL25031002452": "FL2503-100245-2",
    "FL2503–100245—2": "FL2503-100245-2",
    "FL2503\u2011100245\u20112": "FL2503-100245-2",
    "FL2503\xa0100245\u202f2": "FL2503-100245-2",
    "\ufeffFL2503-100245-2\u200b": "FL2503-100245-2",
    "ＦＬ２５０３-100245-2": "FL2503-100245-2",
    "FL2503-100245-2.pdf": "FL2503-100245-2",
    "FL2503-100245-2.PDF": "FL2503-100245-2",
    "facture FL2503-100245-2": "FL2503-100245-2",
    "Facture n° FL2503-100245-2": "FL2503-100245-2",
    "facture n°FL2503-100245-2": "FL2503-100245-2",
    "Facture nº FL2503-100245-2": "FL2503-100245-2",
    "FACTURE № FL2503-100245-2": "FL2503-100245-2",
    "numéro FL2503-100245-2": "FL2503-100245-2",
    "« FL2503-100245-2 »": "FL2503-100245-2",
    "(FL2503-100245-2)": "FL2503-100245-2",
    "la facture FL2503-100245-2, du 3 mars 2025": "FL2503-100245-2",
    "2503-100245": "FL2503-* AV2503-*",
    "2503 100245": "FL2503-* AV2503-*",
    "FL2503": "FL2503-*",
    "fl 2503": "FL2503-*",
    "AV2503": "AV2503-*",
    "av 2503 100245 1": "AV2503-100245-1",
    # Kinds.
    "avoir": "AV*",
    "Avoirs": "AV*",
    "les avoirs": "AV*",
    "avoir mars 2025": "AV2503-*",
    "avoirs de mars 2025": "AV2503-*",
    "mars 2025 avoir": "AV2503-*",
    "AVOIR 79,21": "AV2503-100245-1 AV2510-100245-1 AV2605-100245-1",
    "avoir octobre 2025 79,21 €": "AV2510-100245-1",
    "facture": "*",
    "factures": "*",
    "mes factures": "*",
    # Months.
    "mars 2025": "??2503-*",
    "Mars 2025": "??2503-*",
    "MARS 2025": "??2503-*",
    "facture mars 2025": "??2503-*",
    "facture de mars 2025": "??2503-*",
    "facture du mois de mars 2025": "??2503-*",
    "03/2025": "??2503-*",
    "3/2025": "??2503-*",
    "03-2025": "??2503-*",
    "03.2025": "??2503-*",
    "2025-03": "??2503-*",
    "2025/03": "??2503-*",
    "03 2025": "??2503-*",
    "mars 25": "??2503-*",
    "03/25": "??2503-*",
    "mars": "??2603-*",
    "mars-2025": "??2503-*",
    "2025 mars": "??2503-*",
    "février 2025": "??2502-*",
    "fevrier 2025": "??2502-*",
    "fe\u0301vrier 2025": "??2502-*",
    "févr. 2025": "??2502-*",
    "fev 2025": "??2502-*",
    "déc. 2025": "??2512-*",
    "DÉCEMBRE 2025": "??2512-*",
    "décembre": "??2512-*",
    "novembre": "??2611-*",
    "août 2025": "??2508-*",
    "aout 2025": "??2508-*",
    "d’avril 2025": "??2504-*",
    "ce mois-ci": "??2611-*",
    "le mois dernier": "??2610-*",
    # Days.
    "03/03/2025": "FL2503-100245-[12]",
    "3/3/2025": "FL2503-100245-[12]",
    "03.03.2025": "FL2503-100245-[12]",
    "03-03-2025": "FL2503-100245-[12]",
    "03 03 2025": "FL2503-100245-[12]",
    "03/03/25": "FL2503-100245-[12]",
    "2025-03-03": "FL2503-100245-[12]",
    "20250303": "FL2503-100245-[12]",
    "3 mars 2025": "FL2503-100245-[12]",
    "3 mars 25": "FL2503-100245-[12]",
    "le 3 mars 2025": "FL2503-100245-[12]",
    "lundi 3 mars 2025": "FL2503-100245-[12]",
    "facture du 17 mars 2025": "FL2503-100245-3",
    "3 mars": "FL2603-100245-[12]",
    "17/03": "FL2603-100245-3",
    "17 décembre": "FL2512-100245-3",
    # Quarters, halves, years, and what lies between two days.
    "T1 2026": "??260[123]-*",
    "t1 2026": "??260[123]-*",
    "T1-2026": "??260[123]-*",
    "2026 T1": "??260[123]-*",
    "1T2026": "??260[123]-*",
    "1er trimestre 2026": "??260[123]-*",
    "premier trimestre 2026": "??260[123]-*",
    "1er trim. 2026": "??260[123]-*",
    "1er trimestre de l’année 2026": "??260[123]-*",
    "4e trimestre 2025": "??251?-*",
    "4ème trimestre 2025": "??251?-*",
    "2ème trimestre": "??260[456]-*",
    "1er semestre 2025": "??250[1-6]-*",
    "2025": "??25*",
    "année 2025": "??25*",
    "l’année dernière": "??25*",
    "cette année": "??26*",
    "janvier à mars 2025": "??250[123]-*",
    "de janvier à mars 2025": "??250[123]-*",
    "du 01/03/2025 au 15/03/2025": "FL2503-100245-[12] AV2503-100245-1",
    "du 1er au 15 mars 2025": "FL2503-100245-[12] AV2503-100245-1",
    "entre le 3 et le 9 mars 2025": "FL2503-100245-[12] AV2503-100245-1",
    "novembre 2025 à février 2026": "??251[12]-* ??260[12]-*",
    "depuis octobre 2026": "??261?-*",
    "avant février 2025": "??2412-* ??2501-*",
    # Amounts, with and without what stands around them.
    "207,94": "FL2502-100245-3",
    "207.94": "FL2502-100245-3",
    "207,94 €": "FL2502-100245-3",
    "207,94€": "FL2502-100245-3",
    "207,94 euros": "FL2502-100245-3",
    "207,94 EUR TTC": "FL2502-100245-3",
    "-25,28": "AV2503-100245-3",
    "\N{MINUS SIGN}25,28\xa0€": "AV2503-100245-3",
    "173,28 HT": "FL2502-100245-3",
    "207": "FL2502-100245-3",
    "75": "FL2412-100245-3 FL2505-100245-3",
    "1 536,00": "",
    "mars 2025 536,76": "FL2503-100245-2",
    "mars 2025 536": "FL2503-100245-2",
    "536,76 mars 2025": "FL2503-100245-2",
    "facture mars 2025 536,76 € TTC": "FL2503-100245-2",
    "facture du 3 mars 2025 d’un montant de 536,76 €": "FL2503-100245-2",
    "T1 2026 633,74": "FL260[123]-100245-1",
    # Contracts.
    "LLD-21-40817": "FL*-1 AV*-1",
    "lld 21 40817": "FL*-1 AV*-1",
    "contrat LLD-21-40817": "FL*-1 AV*-1",
    "40817": "FL*-1 AV*-1",
    "LLD2140817 mars 2025": "FL2503-100245-1 AV2503-100245-1",
    "ENT-23-09117 février 2025": "FL2502-100245-3",
    "avoir LLD 23 51204": "AV*-2",
    # What is not there.
    "mars 2021": "",
    "31/02/2025": "",
    "FL9999": "",
    "FL2503-100310-1": "",
    "nespresso": "",
}


@pytest.fixture
def pierre(people: People) -> Iterator[User]:
    """The owner of Durand Transports, with what the demonstration has of Diac's customers."""
    with time_machine.travel(NOW, tick=False), database.atomic():
        user = make_user(make_company(people.supplier, client_number=CLIENT), "pierre")
        others = make_company(people.supplier)
        for each in planned(DIAC, months=24):
            sign = -1 if each.is_credit_note else 1
            make_invoice(
                user.company if each.customer.client_number == CLIENT else others,
                number=each.number,
                kind="credit_note" if each.is_credit_note else "invoice",
                contract=each.contract.reference,
                issued_on=each.issued_on,
                net_cents=sign * each.net_cents,
                gross_cents=sign * each.gross_cents,
            )
        yield user


def test_each_query_finds_what_its_customer_meant(pierre: User) -> None:
    all_numbers = {each.number for each in queries.visible_to(pierre)}
    assert len(all_numbers) == 87 and len(QUERIES) >= 80
    wrong = {}
    for text, patterns in QUERIES.items():
        wanted = {
            each for each in all_numbers for one in patterns.split() if fnmatchcase(each, one)
        }
        found = {each.number for each in queries.matching(pierre, clean_filters({"q": text}))}
        assert wanted or not patterns, f"nothing is named {patterns}"
        if found != wanted:
            wrong[text] = (sorted(found), sorted(wanted))
    assert wrong == {}


def test_what_was_understood_is_shown_as_words_to_take_away(pierre: User) -> None:
    for text, words in {
        "avoirs de mars 2026": ["avoirs", "mars 2026"],
        "facture du 3/3/25 536,76": ["3 mars 2025", "536,76\xa0€"],
        "mars": ["mars 2026"],
        "T1 2026 fl": ["1er trimestre 2026", "fl"],
        "fl 2503 100245 2": ["fl 2503 100245 2"],
        "2025 avoir": ["2025", "avoirs"],
        "du 1er au 15 mars 2025": ["du 1er mars 2025 au 15 mars 2025"],
        "depuis mars 2025": ["depuis mars 2025"],
        "536": ["536"],
        "facture": [],
    }.items():
        listed = list_invoices(pierre, Filters(q=text)).words
        assert [each.label for each in listed] == words, text
    first, second = list_invoices(pierre, Filters(q="facture avoir n° mars 2025")).words
    assert (first.without.q, second.without.q) == ("mars 2025", "avoir")


def test_nothing_found_counts_what_there_is_without_each_word(pierre: User) -> None:
    filters = Filters(q="mars 2025 633,75 LLD-21", kind="credit_note")
    listed = list_invoices(pierre, filters)
    assert listed.rows == []
    counts = {each.word.label: each.count for each in listed.relaxations}
    assert counts == {"avoirs": 0, "mars 2025": 0, "633,75\xa0€": 1, "LLD-21": 0}
    found = next(each.word.without for each in listed.relaxations if each.count)
    assert len(list_invoices(pierre, found).rows) == 1
    assert list_invoices(pierre, Filters(q="mars 2025")).relaxations == []
