"""What the XML of a Factur-X document says.

Pure: bytes in, facts out; no database, no settings. Nothing here trusts the document.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, islice
from typing import Any

from lxml import etree

from selfservice.invoices.embedded_xml import BrokenXmlError, EmbeddedXmlError
from selfservice.money import parse_cents
from selfservice.suppliers.identifiers import compact_digits, compact_vat_number
from selfservice.texts import identifier, one_form

CREDIT_NOTE_TYPES = frozenset(
    ("81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532")
)
SIREN_SCHEMES = ("", "0002", "0009")
MAX_TAGS = 200_000
MAX_IDENTIFIERS = 20
MAX_PRECEDING = 100
IDENTIFIER_LENGTH = 64

_CODE = "urn:un:unece:uncefact:data:standard:"
_NAMESPACES = {
    "rsm": f"{_CODE}CrossIndustryInvoice:100",
    "ram": f"{_CODE}ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_CODE}UnqualifiedDataType:100",
}


def _path(*steps: str) -> etree.XPath:
    """Return what finds an element from its section; compiled, four times faster than findall()."""
    names = (step if ":" in step else f"ram:{step}" for step in steps)
    return etree.XPath("/".join(names), namespaces=_NAMESPACES)


_ROOT = f"{{{_NAMESPACES['rsm']}}}CrossIndustryInvoice"
_HEADER = _path("rsm:ExchangedDocument")
_AGREEMENT = _path("rsm:SupplyChainTradeTransaction", "ApplicableHeaderTradeAgreement")
_SETTLEMENT = _path("rsm:SupplyChainTradeTransaction", "ApplicableHeaderTradeSettlement")
_PRECEDING = _path("InvoiceReferencedDocument", "IssuerAssignedID")
_TOTALS = _path("SpecifiedTradeSettlementHeaderMonetarySummation")
_NUMBER = _path("ID")
_TYPE = _path("TypeCode")
_ISSUED = _path("IssueDateTime", "udt:DateTimeString")
_CONTRACT = _path("ContractReferencedDocument", "IssuerAssignedID")
_CURRENCY = _path("InvoiceCurrencyCode")
_DUE = _path("SpecifiedTradePaymentTerms", "DueDateDateTime", "udt:DateTimeString")
_NET = _path("TaxBasisTotalAmount")
_VAT = _path("TaxTotalAmount")
_GROSS = _path("GrandTotalAmount")
_SELLER = _path("SellerTradeParty")
_BUYER = _path("BuyerTradeParty")
_NAME = _path("Name")
_GLOBAL_ID = _path("GlobalID")
_LEGAL_ID = _path("SpecifiedLegalOrganization", "ID")
_TAX_ID = _path("SpecifiedTaxRegistration", "ID")
_EMPTY = etree.Element("absent")
_PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)


class DoctypeError(EmbeddedXmlError):
    """It declares a DOCTYPE, which no invoice needs and attacks do."""


@dataclass(frozen=True)
class Party:
    """What identifies a seller or a buyer, compact; `legal_id` is a SIREN or a SIRET."""

    name: str = ""
    identifiers: tuple[str, ...] = ()
    legal_id: str = ""
    vat_number: str = ""
    is_identified: bool = False

    @property
    def siren(self) -> str:
        """Return the SIREN, else the one inside the French VAT number, else nothing."""
        if self.legal_id:
            return self.legal_id[:9]
        inside = self.vat_number[4:]
        is_french = self.vat_number.startswith("FR") and len(inside) == 9 and inside.isdigit()
        return inside if is_french else ""


@dataclass(frozen=True)
class Description:
    """What a document says of itself (BT-1 to BT-112); None or empty where it is silent.

    Amounts are cents with the document's own signs. `faults` maps a field whose text cannot be
    taken to that text: it only matters where nothing overrides the field. `preceding` are the
    numbers of the invoices it refers to (BT-25), those that can be taken. Without XML that can be
    read, `has_xml` is false and `problem` a code of messages.REFUSALS, or empty.
    """

    number: str = ""
    kind: str = ""
    issued_on: date | None = None
    due_on: date | None = None
    currency: str = ""
    net_cents: int | None = None
    vat_cents: int | None = None
    gross_cents: int | None = None
    contract: str = ""
    preceding: tuple[str, ...] = ()
    seller: Party = field(default_factory=Party)
    buyer: Party = field(default_factory=Party)
    faults: dict[str, str] = field(default_factory=dict)
    has_xml: bool = False
    problem: str = ""


def describe(xml: bytes) -> Description:
    """Return what a CrossIndustryInvoice says; raises BrokenXmlError or DoctypeError."""
    root = _parse(xml)
    header, agreement, settlement = (_section(root, x) for x in (_HEADER, _AGREEMENT, _SETTLEMENT))
    totals = _section(settlement, _TOTALS)
    faults: dict[str, str] = {}

    def take(field_name: str, text: str, convert: Callable[[str], Any], absent: Any = None) -> Any:
        try:
            return convert(text) if text else absent
        except ValueError:
            faults[field_name] = text[:60]
            return absent

    currency = take("currency", _text(settlement, _CURRENCY), currency_code, "")
    return Description(
        number=take("number", _text(header, _NUMBER), one_line, ""),
        kind=take("kind", _text(header, _TYPE), _kind, ""),
        issued_on=take("issued_on", _text(header, _ISSUED), _day),
        due_on=take("due_on", _text(settlement, _DUE), _day),
        currency=currency,
        net_cents=take("net", _text(totals, _NET), parse_cents),
        vat_cents=take("vat", _vat_total(totals, currency), parse_cents),
        gross_cents=take("gross", _text(totals, _GROSS), parse_cents),
        contract=take("contract", _text(agreement, _CONTRACT), one_line, ""),
        preceding=tuple(_preceding(settlement)),
        seller=_party(_section(agreement, _SELLER)),
        buyer=_party(_section(agreement, _BUYER)),
        faults=faults,
        has_xml=True,
    )


def one_line(text: str) -> str:
    """Return an identifier of at most 100 printable characters; raises ValueError for another."""
    compact = identifier(text)
    if len(compact) > 100 or not compact.isprintable():
        raise ValueError(text)
    return compact


def currency_code(text: str) -> str:
    """Return an ISO 4217 code in capitals; raises ValueError for another shape."""
    code = one_form(text).upper()
    if len(code) != 3 or not (code.isascii() and code.isalpha()):
        raise ValueError(text)
    return code


def _parse(xml: bytes) -> Any:
    """Return the root; libxml2 itself stops at 256 levels and at entities that swell."""
    if xml.count(b"<") > MAX_TAGS:
        raise BrokenXmlError("too many elements")
    try:
        root = etree.fromstring(xml, _PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise (DoctypeError if b"<!DOCTYPE" in xml else BrokenXmlError)(str(error)) from error
    if root.getroottree().docinfo.doctype:
        raise DoctypeError
    if root.tag != _ROOT:
        raise BrokenXmlError(str(root.tag))
    return root


def _section(parent: Any, path: etree.XPath) -> Any:
    """Return a part of the document, an empty one where it is absent."""
    found = path(parent)
    return found[0] if found else _EMPTY


def _text(section: Any, path: etree.XPath) -> str:
    return one_form(_section(section, path).text or "")


def _kind(code: str) -> str:
    if not (code.isascii() and code.isdigit() and len(code) <= 3):
        raise ValueError(code)
    return "credit_note" if code.lstrip("0") in CREDIT_NOTE_TYPES else "invoice"


def _day(text: str) -> date:
    if not (len(text) == 8 and text.isascii() and text.isdigit()):
        raise ValueError(text)
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def _preceding(settlement: Any) -> Iterator[str]:
    for each in islice(_PRECEDING(settlement), MAX_PRECEDING):
        with suppress(ValueError):
            if number := one_line(each.text or ""):
                yield number


def _vat_total(totals: Any, currency: str) -> str:
    """Return BT-110: BT-111, in the currency of the accounts, may stand beside it."""
    found = _VAT(totals)
    own = [each for each in found if each.get("currencyID") == currency] or found
    return one_form(own[0].text or "") if own else ""


def _party(section: Any) -> Party:
    legal = _section(section, _LEGAL_ID)
    taxes = [each for each in _TAX_ID(section) if each.get("schemeID") == "VA"]
    vat = compact_vat_number(taxes[0].text or "") if taxes else ""
    numbers = chain(_NUMBER(section), _GLOBAL_ID(section))
    return Party(
        name=_text(section, _NAME)[:100],
        identifiers=tuple(
            text
            for each in islice(numbers, MAX_IDENTIFIERS)
            if 0 < len(text := identifier(each.text or "")) <= IDENTIFIER_LENGTH
        ),
        legal_id=_legal_id(legal),
        vat_number=vat,
        is_identified=bool(vat) or bool((legal.text or "").strip()),
    )


def _legal_id(element: Any) -> str:
    """Return a SIREN or SIRET; another country's number may look alike under its own scheme."""
    if element.get("schemeID", "") not in SIREN_SCHEMES:
        return ""
    digits = compact_digits(element.text or "")
    is_french = digits.isascii() and digits.isdigit() and len(digits) in (9, 14)
    return digits if is_french else ""
