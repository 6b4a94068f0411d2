"""Whose document it is, as the French reform writes buyers (AFNOR XP Z12-012, Factur-X 1.0.8)."""

import pytest

from selfservice.deposits import facturx
from selfservice.deposits.customers import Customers
from selfservice.deposits.document import Document
from selfservice.deposits.refusal import RefusalError
from selfservice.suppliers.models import Company, Supplier
from tests.factories import make_company
from tests.papers import (
    cii,
    client_number,
    electronic_address,
    global_id,
    invoicee,
    legal_id,
    ship_to,
    vat_number,
)

SIREN, OTHER = "555555555", "444444444"
LYON, PARIS, NICE = f"{SIREN}00012", f"{SIREN}00020", f"{SIREN}00038"


@pytest.fixture
def lyon(supplier: Supplier) -> Company:
    return make_company(supplier, client_number="LYON", siren=LYON)


@pytest.fixture
def paris(supplier: Supplier, lyon: Company) -> Company:
    return make_company(supplier, client_number="PARIS", siren=PARIS)


def customer_of(supplier: Supplier, **fields: object) -> Company:
    document = Document("a.pdf", "", "", own=facturx.describe(cii(**fields)))
    Customers(supplier, [document]).find(document)
    company: Company = Company.get_by_id(document.company_id)
    return company


def refused(supplier: Supplier, **fields: object) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        customer_of(supplier, **fields)
    return caught.value


@pytest.mark.parametrize(
    "fields",
    [
        {"buyer": global_id(PARIS) + legal_id(SIREN)},
        {"buyer": global_id("555 555 555 00020") + legal_id(SIREN)},
        {"buyer": global_id("7300010000001", "0088") + global_id(PARIS) + legal_id(SIREN)},
        {"buyer": f'<ram:ID schemeID="0009">{PARIS}</ram:ID>' + legal_id(SIREN)},
        {"buyer": client_number(PARIS) + legal_id(SIREN)},
        {"buyer": global_id(PARIS)},
        {"buyer": legal_id(PARIS)},
        {"buyer": legal_id(PARIS, "0009")},
        {"buyer": legal_id(SIREN) + electronic_address(f"{SIREN}_{PARIS}")},
        {"buyer": legal_id(SIREN) + electronic_address(f"{SIREN}_{PARIS}_COMPTA")},
        {"buyer": legal_id(SIREN) + electronic_address(PARIS)},
        {"buyer": legal_id(SIREN) + electronic_address(PARIS, "0009")},
        {"buyer": electronic_address(f"{SIREN}_{PARIS}")},
        {"buyer": legal_id(SIREN), "delivery": ship_to(global_id(PARIS))},
        {"buyer": legal_id(SIREN), "delivery": ship_to(client_number(PARIS))},
        {"buyer": legal_id(SIREN), "invoicee": invoicee(global_id(PARIS))},
        {"buyer": vat_number(f"FR40{SIREN}"), "delivery": ship_to(global_id(PARIS))},
        {"buyer": legal_id(SIREN) + global_id("PARIS", "0224")},
        {"buyer": legal_id(SIREN) + electronic_address(f"{SIREN}_PARIS")},
        {"buyer": global_id(PARIS) + legal_id(SIREN), "delivery": ship_to(global_id(LYON))},
        {"buyer": global_id(f"{OTHER}00012") + legal_id(PARIS)},
    ],
)
def test_establishments_of_one_siren_are_told_apart(
    fields: dict[str, str], supplier: Supplier, paris: Company
) -> None:
    assert customer_of(supplier, **fields) == paris


@pytest.mark.parametrize(
    "buyer",
    [
        legal_id(SIREN),
        electronic_address(SIREN),
        electronic_address(SIREN, "0002"),
        global_id(SIREN, "0002"),
        vat_number(f"FR40{SIREN}"),
        electronic_address(f"FR40{SIREN}", "9957"),
        legal_id(SIREN) + electronic_address(f"{SIREN}_FACTURES"),
        global_id(PARIS) + legal_id(SIREN),
    ],
)
def test_a_company_registered_by_its_siren_is_found_by_each_writing(
    buyer: str, supplier: Supplier
) -> None:
    company = make_company(supplier, siren=SIREN)
    make_company(supplier, siren=OTHER)
    assert customer_of(supplier, buyer=buyer) == company


def test_services_of_one_establishment_are_told_apart_by_the_routing_code(
    supplier: Supplier,
) -> None:
    make_company(supplier, client_number="SERVICE-A", siren=PARIS)
    second = make_company(supplier, client_number="SERVICE-B", siren=PARIS)
    make_company(supplier, client_number="SERVICE-C", siren=OTHER)
    told = global_id("SERVICE-B", "0224")
    assert customer_of(supplier, buyer=global_id(PARIS) + told + legal_id(SIREN)) == second
    address = electronic_address(f"{SIREN}_{PARIS}_SERVICE-B")
    assert customer_of(supplier, buyer=legal_id(SIREN) + address) == second
    assert customer_of(supplier, buyer=global_id(PARIS), reference=" SERVICE\u2011B") == second
    either = global_id("SERVICE-A", "0224") + global_id("SERVICE-B", "0224")
    assert refused(supplier, buyer=global_id(PARIS) + either).code == "several_customers"


def test_a_routing_code_alone_names_nobody(supplier: Supplier) -> None:
    """It is the buyer's own word for a department, and may be another customer's number here."""
    make_company(supplier, client_number="01", siren=OTHER)
    make_company(supplier, client_number="02", siren=SIREN)
    buyer = global_id("01", "0224") + legal_id(SIREN)
    assert customer_of(supplier, buyer=buyer).client_number == "02"
    assert refused(supplier, buyer=global_id("01", "0224")).code == "unknown_customer"


def test_companies_of_one_siren_are_told_apart_by_vat_number_and_by_address(
    supplier: Supplier,
) -> None:
    first = make_company(supplier, siren=SIREN, vat_number="FR40555555555", email="a@example.com")
    second = make_company(supplier, siren=SIREN, vat_number="MC40555555555", email="b@example.com")
    assert customer_of(supplier, buyer=legal_id(SIREN) + vat_number("FR40555555555")) == first
    assert customer_of(supplier, buyer=legal_id(SIREN) + vat_number("MC40555555555")) == second
    address = electronic_address("B@example.com", "EM")
    assert customer_of(supplier, buyer=legal_id(SIREN) + address) == second


def test_the_siren_alone_means_the_company_registered_by_it_not_its_establishments(
    supplier: Supplier, paris: Company
) -> None:
    whole = make_company(supplier, siren=SIREN)
    assert customer_of(supplier, buyer=legal_id(SIREN)) == whole
    assert customer_of(supplier, buyer=global_id(NICE) + legal_id(SIREN)) == whole
    assert customer_of(supplier, buyer=global_id(PARIS) + legal_id(SIREN)) == paris
    assert customer_of(supplier, buyer=legal_id(SIREN) + global_id("PARIS", "0224")) == paris


def test_where_nothing_tells_them_apart_the_refusal_names_them_and_the_remedy(
    supplier: Supplier, paris: Company
) -> None:
    refusal = refused(supplier, buyer=legal_id(SIREN))
    assert refusal.code == "several_customers"
    assert f"LYON ({LYON}), PARIS ({PARIS})" in refusal.reason
    assert "numéro client dans index.csv" in refusal.reason
    assert "SIRET de l'établissement" in refusal.reason


def test_of_many_the_refusal_names_a_few(supplier: Supplier) -> None:
    for number in range(9):
        make_company(supplier, client_number=f"S-{number}", siren=SIREN)
    said = refused(supplier, buyer=legal_id(SIREN)).reason
    assert f"S-4 ({SIREN})…" in said and "S-5" not in said


@pytest.mark.parametrize(
    "buyer",
    [
        global_id(NICE) + legal_id(SIREN),
        legal_id(SIREN) + electronic_address(f"{SIREN}_{NICE}"),
    ],
)
def test_an_establishment_that_is_not_registered_is_not_another_one(
    buyer: str, supplier: Supplier, paris: Company
) -> None:
    assert refused(supplier, buyer=buyer).code == "unknown_customer"


@pytest.mark.parametrize(
    "fields",
    [
        {"buyer": legal_id(OTHER), "delivery": ship_to(global_id(PARIS))},
        {"buyer": "<ram:Name>Autre</ram:Name>", "delivery": ship_to(global_id(PARIS))},
        {"buyer": legal_id(OTHER) + global_id(PARIS)},
    ],
)
def test_where_a_stranger_has_it_delivered_is_no_buyer(
    fields: dict[str, str], supplier: Supplier, paris: Company
) -> None:
    assert refused(supplier, **fields).code == "unknown_customer"


@pytest.mark.parametrize("number", ["CÉ-1", "CE\u0301-1", "CÉ\u20111", "C\u200bÉ-1", " CÉ\u22121 "])
@pytest.mark.parametrize("is_in_index", [True, False])
def test_a_client_number_is_found_whoever_wrote_it(
    number: str, is_in_index: bool, supplier: Supplier
) -> None:
    company = make_company(supplier, client_number="CÉ-1")
    own = facturx.describe(cii(buyer="" if is_in_index else client_number(number)))
    document = Document("a.pdf", "", "", own=own)
    if is_in_index:
        document.client_number = facturx.one_line(number)
    Customers(supplier, [document]).find(document)
    assert document.company_id == company.id
