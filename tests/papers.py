"""Documents for deposits: small real PDFs, with the Factur-X XML that a test needs."""

import io
from datetime import date
from pathlib import Path

import pikepdf
from pikepdf import AttachedFileSpec

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.invoices.models import Invoice
from selfservice.suppliers.models import Company

SELLER_SIREN = "123456789"

XML = """<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice
  xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
  xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
  xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
  <rsm:ExchangedDocument>
    <ram:ID>{number}</ram:ID>
    <ram:TypeCode>{type_code}</ram:TypeCode>
    <ram:IssueDateTime>
      <udt:DateTimeString format="102">{issued}</udt:DateTimeString>
    </ram:IssueDateTime>
  </rsm:ExchangedDocument>
  <rsm:SupplyChainTradeTransaction>
    <ram:ApplicableHeaderTradeAgreement>
      <ram:BuyerReference>{reference}</ram:BuyerReference>
      <ram:SellerTradeParty><ram:Name>Vendeur</ram:Name>{seller}</ram:SellerTradeParty>
      <ram:BuyerTradeParty>{buyer}</ram:BuyerTradeParty>
      <ram:ContractReferencedDocument>
        <ram:IssuerAssignedID>{contract}</ram:IssuerAssignedID>
      </ram:ContractReferencedDocument>
    </ram:ApplicableHeaderTradeAgreement>
    <ram:ApplicableHeaderTradeDelivery>{delivery}</ram:ApplicableHeaderTradeDelivery>
    <ram:ApplicableHeaderTradeSettlement>
      <ram:InvoiceCurrencyCode>{currency}</ram:InvoiceCurrencyCode>{invoicee}
      <ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime>
        <udt:DateTimeString format="102">{due}</udt:DateTimeString>
      </ram:DueDateDateTime></ram:SpecifiedTradePaymentTerms>
      <ram:SpecifiedTradeSettlementHeaderMonetarySummation>
        <ram:TaxBasisTotalAmount>{net}</ram:TaxBasisTotalAmount>
        {vat_totals}
        <ram:GrandTotalAmount>{gross}</ram:GrandTotalAmount>
      </ram:SpecifiedTradeSettlementHeaderMonetarySummation>{preceding}
    </ram:ApplicableHeaderTradeSettlement>
  </rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>
"""


def legal_id(number: str, scheme: str = "0002") -> str:
    return (
        "<ram:SpecifiedLegalOrganization>"
        f'<ram:ID schemeID="{scheme}">{number}</ram:ID></ram:SpecifiedLegalOrganization>'
    )


def vat_number(number: str) -> str:
    return (
        f'<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">{number}</ram:ID>'
        "</ram:SpecifiedTaxRegistration>"
    )


def client_number(number: str) -> str:
    return f"<ram:ID>{number}</ram:ID>"


def global_id(number: str, scheme: str = "0009") -> str:
    return f'<ram:GlobalID schemeID="{scheme}">{number}</ram:GlobalID>'


def electronic_address(text: str, scheme: str = "0225") -> str:
    return (
        f'<ram:URIUniversalCommunication><ram:URIID schemeID="{scheme}">{text}</ram:URIID>'
        "</ram:URIUniversalCommunication>"
    )


def ship_to(content: str) -> str:
    return f"<ram:ShipToTradeParty>{content}</ram:ShipToTradeParty>"


def invoicee(content: str) -> str:
    return f"<ram:InvoiceeTradeParty>{content}</ram:InvoiceeTradeParty>"


def preceding(number: str) -> str:
    return (
        "<ram:InvoiceReferencedDocument>"
        f"<ram:IssuerAssignedID>{number}</ram:IssuerAssignedID></ram:InvoiceReferencedDocument>"
    )


def cii(**fields: object) -> bytes:
    """An invoice of today over 100 + 20 = 120 €, of SELLER_SIREN; any field may be replaced."""
    defaults: dict[str, object] = {
        "number": "F-1",
        "type_code": "380",
        "issued": f"{clock.today():%Y%m%d}",
        "due": f"{clock.add_months(clock.today(), 1):%Y%m%d}",
        "seller": legal_id(SELLER_SIREN),
        "buyer": "",
        "contract": "",
        "currency": "EUR",
        "net": "100.00",
        "gross": "120.00",
        "preceding": "",
        "delivery": "",
        "invoicee": "",
        "reference": "",
    }
    vat = fields.pop("vat", "20.00")
    totals = f'<ram:TaxTotalAmount currencyID="EUR">{vat}</ram:TaxTotalAmount>'
    return XML.format(**(defaults | {"vat_totals": totals} | fields)).encode()


def pdf(
    xml: bytes | None = None,
    *,
    name: str = "factur-x.xml",
    key: str = "",
    pages: int = 1,
    padding: bytes = b"",
) -> bytes:
    """A real PDF of blank pages, with its XML attached, and as heavy as `padding` makes it."""
    with pikepdf.new() as document:
        for _ in range(pages):
            document.add_blank_page(page_size=(595, 842))
        if xml is not None:
            spec = AttachedFileSpec(document, xml, filename=name, mime_type="text/xml")
            document.attachments[key or name] = spec
        if padding:
            document.Root.Padding = document.make_stream(padding)
        buffer = io.BytesIO()
        document.save(buffer, deterministic_id=True)
    return buffer.getvalue()


def facturx(company: Company | None = None, **fields: object) -> bytes:
    """A Factur-X PDF for a company, named by its client number."""
    if company is not None:
        fields = {"buyer": client_number(company.client_number)} | fields
    return pdf(cii(**fields))


def index(folder: Path, *rows: dict[str, object], encoding: str = "utf-8") -> None:
    """Write index.csv with the columns that the rows name."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [";".join(columns)]
    lines += [";".join(str(row.get(column, "")) for column in columns) for row in rows]
    (folder / "index.csv").write_text("\n".join(lines) + "\n", encoding)


def months_ago(months: int, *, days: int = 0) -> date:
    """The earliest issue date that N months still reach today, `days` before it."""
    first = clock.earliest_lasting(clock.today(), months=months)
    return date.fromordinal(first.toordinal() - days)


def numbers_of(user: User) -> list[str]:
    query = Invoice.select(Invoice.number).where(Invoice.company == user.company)
    return [number for (number,) in query.order_by(Invoice.number).tuples()]
