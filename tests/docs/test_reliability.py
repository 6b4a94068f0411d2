"""The pages « Fiabilité » and « Sécurité » promise only what a test shows."""

import pytest

from docs_tools import reliability
from tests import nodes

FAULTS = [
    fault
    for file in ("faults.yml", "protections.yml")
    for part in reliability.faults(file).values()
    for fault in part
]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.test for fault in FAULTS])
def test_each_fault_names_a_test_that_exists(fault: reliability.Fault) -> None:
    assert nodes.exists(fault.test)


def test_a_test_that_is_gone_is_seen() -> None:
    assert not nodes.exists("tests/docs/test_reliability.py::test_that_nobody_wrote")
