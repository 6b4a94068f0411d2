"""The demonstration, filled once for all tests that visit a copy of it."""

import os
from pathlib import Path

import pytest

from tests import postgresql
from tests.once import once
from tests.processes import command

TOLD = "told"


@pytest.fixture(scope="session")
def filled_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration as `selfservice demo` makes it, to be copied; TOLD beside it."""

    def make(folder: Path) -> None:
        done = command(folder / "instance", "demo")
        assert done.returncode == 0, done.stderr
        (folder / TOLD).write_text(done.stdout, "utf-8")

    # Each process has a PostgreSQL of its own, which copies what is in it.
    process = os.environ.get("PYTEST_XDIST_WORKER", "") if postgresql.is_selected else ""
    return once(tmp_path_factory, f"demo{process}", make) / "instance"
