"""The number of a purged document is never used again."""

from collections.abc import Callable
from pathlib import Path

from selfservice.deposits.deposit import DepositReport
from selfservice.invoices import tombstones
from selfservice.invoices.models import Tombstone
from selfservice.suppliers.models import Company
from tests import papers
from tests.papers import months_ago

PURGED = "Le numéro F-1 est celui d'un document retiré au terme de sa durée de disponibilité."


def test_a_purged_number_is_refused_whatever_its_content(
    deposit: Callable[[], DepositReport], folder: Path, company: Company
) -> None:
    tombstones.bury([(company.supplier_id, "F-1")])
    (folder / "a.pdf").write_bytes(papers.facturx(company, number="F-1"))
    (folder / "b.pdf").write_bytes(papers.facturx(company, number="F-1", gross="1.00"))
    (folder / "c.pdf").write_bytes(papers.facturx(company, number="F-2"))
    report = deposit()
    assert (report.deposited, report.already) == (1, 0)
    assert [(each.file, each.reason) for each in report.refused] == [
        ("a.pdf", PURGED),
        ("b.pdf", PURGED),
    ]


def test_a_date_past_retention_is_told_first(
    refusal: Callable[[bytes], str], company: Company
) -> None:
    tombstones.bury([(company.supplier_id, "F-1")])
    issued = f"{months_ago(24, days=1):%Y%m%d}"
    reason = refusal(papers.facturx(company, number="F-1", issued=issued))
    assert "il y a plus de 24 mois" in reason


def test_a_number_is_taken_at_its_own_supplier_only(company: Company) -> None:
    for _ in range(2):
        tombstones.bury([(company.supplier_id, "F-1")])
    assert tombstones.buried(company.supplier_id, ["F-1", "F-2"]) == {"F-1"}
    assert tombstones.buried(company.supplier_id + 1, ["F-1"]) == set()
    assert Tombstone.select().count() == 1
