"""Heavy work takes turns, and never the last thread."""

from contextlib import ExitStack, suppress

import pytest

from selfservice import turns
from selfservice.turns import NoTurnError, Turns


@pytest.fixture(params=[1, 2, 3, 4, 8])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """A server of so many threads, which does none of the portal's own work."""
    monkeypatch.setattr(turns, "_threads", turns.THREADS)
    monkeypatch.setattr(turns, "_all", [])
    turns.share(request.param)
    count: int = request.param
    return count


@pytest.mark.parametrize("order", [("hash", "build"), ("build", "hash"), ("hash",), ("build",)])
def test_one_thread_is_free_for_pages_whatever_comes_first(
    threads: int, order: tuple[str, ...]
) -> None:
    kinds = {
        "hash": Turns(at_once=8, wait_seconds=0.01),
        "build": Turns(at_once=8, wait_seconds=0.01, spared=2),
    }
    with ExitStack() as stack:
        for kind in order:
            for _ in range(threads):
                with suppress(NoTurnError):
                    stack.enter_context(kinds[kind].one())
        held = {name: kind.held for name, kind in kinds.items()}
        assert sum(held.values()) <= max(1, threads - 1)
        assert held["build"] <= max(1, threads - 2), "one is left to those who sign in"
        if len(order) == 2 and threads > 2:
            assert held["hash"] >= 1
    assert [kind.held for kind in kinds.values()] == [0, 0]


def test_who_waits_too_long_gives_its_thread_back() -> None:
    lone = Turns(at_once=1, wait_seconds=0.01)
    with lone.one():
        with pytest.raises(NoTurnError), lone.one():
            pass
        assert lone.held == 1
    with lone.one():
        pass
