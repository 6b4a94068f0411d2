"""What a test needs beyond Python, as a marker; what a run leaves out is told at its end."""

from collections import Counter

import pytest

# What needs a fixture needs what the fixture starts.
OF_FIXTURES = {
    "playwright": "browser",
    "mount": "system",
    "redis": "system",
    "site_dir": "slow",  # the whole help site is built
    "thousand": "slow",  # documents, deposited again and again
}
NEEDS = ("soak", "browser", "system", "postgresql", "slow")  # the first of a test tells of it
_left: Counter[str] = Counter()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture, need in OF_FIXTURES.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(need)
    # First what takes long: at the end, one process would wait for the other.
    items.sort(key=lambda item: not any(map(item.get_closest_marker, NEEDS)))


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        _left[next((need for need in NEEDS if item.get_closest_marker(need)), "quick")] += 1


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # a process of pytest-xdist
        session.config.workeroutput["left"] = dict(_left)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Each process of pytest-xdist has left the same tests out."""
    _left.clear()
    _left.update(getattr(node, "workeroutput", {}).get("left", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _left:
        told = ", ".join(f"{count} {need}" for need, count in sorted(_left.items()))
        terminalreporter.write_line(f"Not in this run, by what they need: {told}")
