"""The Factur-X XML of a demonstration document: profile EN 16931, valid against its schema."""

from datetime import date
from typing import Any

from lxml import etree

from selfservice.demo.plan import VAT_PERCENT, Line, PlannedDocument, euros

_CODE = "urn:un:unece:uncefact:data:standard:"
_NAMESPACES = {
    "rsm": f"{_CODE}CrossIndustryInvoice:100",
    "ram": f"{_CODE}ReusableAggregateBusinessInformationEntity:100",
    "qdt": f"{_CODE}QualifiedDataType:100",
    "udt": f"{_CODE}UnqualifiedDataType:100",
}
PROFILE = "urn:cen.eu:en16931:2017"

# An element is (name, content, attributes): content is a text or a list of elements.
Element = tuple[Any, ...]


def build_xml(document: PlannedDocument) -> bytes:
    """Return the XML of a document."""
    root = _element(
        (
            "rsm:CrossIndustryInvoice",
            [
                (
                    "rsm:ExchangedDocumentContext",
                    [("GuidelineSpecifiedDocumentContextParameter", [("ID", PROFILE)])],
                ),
                _header(document),
                _transaction(document),
            ],
        )
    )
    xml: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return xml


def _header(document: PlannedDocument) -> Element:
    content = [
        ("ID", document.number),
        ("TypeCode", "381" if document.is_credit_note else "380"),
        ("IssueDateTime", [_day("udt", document.issued_on)]),
    ]
    return ("rsm:ExchangedDocument", content)


def _transaction(document: PlannedDocument) -> Element:
    lines = [_line(number, line) for number, line in enumerate(document.lines, 1)]
    agreement = [
        _party("SellerTradeParty", document.seller),
        _party("BuyerTradeParty", document.customer, identifier=document.customer.client_number),
        ("ContractReferencedDocument", [("IssuerAssignedID", document.contract.reference)]),
    ]
    return (
        "rsm:SupplyChainTradeTransaction",
        [
            *lines,
            ("ApplicableHeaderTradeAgreement", agreement),
            ("ApplicableHeaderTradeDelivery", []),
            _settlement(document),
        ],
    )


def _line(number: int, line: Line) -> Element:
    price = ("NetPriceProductTradePrice", [("ChargeAmount", euros(line.unit_cents))])
    settlement = [
        ("ApplicableTradeTax", _vat_category()),
        (
            "SpecifiedTradeSettlementLineMonetarySummation",
            [("LineTotalAmount", euros(line.net_cents))],
        ),
    ]
    return (
        "IncludedSupplyChainTradeLineItem",
        [
            ("AssociatedDocumentLineDocument", [("LineID", str(number))]),
            ("SpecifiedTradeProduct", [("Name", line.item)]),
            ("SpecifiedLineTradeAgreement", [price]),
            (
                "SpecifiedLineTradeDelivery",
                [("BilledQuantity", str(line.quantity), {"unitCode": "C62"})],
            ),
            ("SpecifiedLineTradeSettlement", settlement),
        ],
    )


def _party(name: str, party: Any, *, identifier: str = "") -> Element:
    postcode, _, city = party.town.partition(" ")
    address = [("PostcodeCode", postcode), ("LineOne", party.street), ("CityName", city)]
    content: list[Element] = [("ID", identifier)] if identifier else []
    content += [
        ("Name", party.name),
        ("SpecifiedLegalOrganization", [("ID", party.siren, {"schemeID": "0002"})]),
        ("PostalTradeAddress", [*address, ("CountryID", "FR")]),
        ("SpecifiedTaxRegistration", [("ID", party.vat_number, {"schemeID": "VA"})]),
    ]
    return (name, content)


def _settlement(document: PlannedDocument) -> Element:
    net, vat = euros(document.net_cents), euros(document.vat_cents)
    gross = euros(document.gross_cents)
    vat_type, *category = _vat_category()
    totals = [
        ("LineTotalAmount", net),
        ("TaxBasisTotalAmount", net),
        ("TaxTotalAmount", vat, {"currencyID": "EUR"}),
        ("GrandTotalAmount", gross),
        ("DuePayableAmount", gross),
    ]
    tax = [("CalculatedAmount", vat), vat_type, ("BasisAmount", net), *category]
    content: list[Element] = [
        ("InvoiceCurrencyCode", "EUR"),
        ("SpecifiedTradeSettlementPaymentMeans", [("TypeCode", "59")]),
        ("ApplicableTradeTax", tax),
        ("SpecifiedTradePaymentTerms", [("DueDateDateTime", [_day("udt", document.due_on)])]),
        ("SpecifiedTradeSettlementHeaderMonetarySummation", totals),
    ]
    if document.credited_on:
        credited = [
            ("IssuerAssignedID", document.credits),
            ("FormattedIssueDateTime", [_day("qdt", document.credited_on)]),
        ]
        content.append(("InvoiceReferencedDocument", credited))
    return ("ApplicableHeaderTradeSettlement", content)


def _vat_category() -> list[Element]:
    return [
        ("TypeCode", "VAT"),
        ("CategoryCode", "S"),
        ("RateApplicablePercent", f"{VAT_PERCENT}.00"),
    ]


def _day(prefix: str, day: date) -> Element:
    return (f"{prefix}:DateTimeString", f"{day:%Y%m%d}", {"format": "102"})


def _element(description: Element) -> Any:
    name, content, *attributes = description
    prefix, _, local = name.rpartition(":")
    tag = f"{{{_NAMESPACES[prefix or 'ram']}}}{local}"
    element = etree.Element(tag, attributes[0] if attributes else {}, nsmap=_NAMESPACES)
    if isinstance(content, str):
        element.text = content
    else:
        element.extend([_element(each) for each in content])
    return element
