"""A user with the second factor."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from tests.accounts.authenticator import Phone, set_up
from tests.conftest import Browser


@pytest.fixture
def machine() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def phone(machine: time_machine.Traveller, alice: Browser) -> Phone:
    """alice has set the second factor up; the clock stands in the next step."""
    phone = set_up(alice)
    machine.shift(timedelta(seconds=30))
    return phone
