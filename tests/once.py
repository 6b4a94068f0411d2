"""What is dear to make and only read: made by one of the run's processes, for all of them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from selfservice.files import locked


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that `make` fills; the other processes of the run wait for it."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each worker has its own below that of the run
    around = base / f"once-{name}"
    around.mkdir(exist_ok=True)
    folder, is_made = around / name, around / ".made"
    with locked(around):
        if not is_made.exists():
            folder.mkdir()
            make(folder)
            is_made.touch()
    return folder
