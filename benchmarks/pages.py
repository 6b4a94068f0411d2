"""The list and a document, beside the limit and the peers."""

from contextlib import ExitStack
from datetime import timedelta

from benchmarks import instances, servers
from benchmarks.servers import Page
from benchmarks.table import Line, percent, thousands, times
from selfservice import clock

DEEP_DAYS = 365


def compare_lists(*, rounds: int, seconds: int) -> list[Line]:
    """Load the list of a signed-in customer and its peers, 50 rows each."""
    instance = instances.instance_of(10_000)
    with ExitStack() as stack:
        address = stack.enter_context(servers.portal(instance))
        around = stack.enter_context(servers.peers(instance))
        pages = {"hello": Page(f"{around['hello']}/"), "portal": _list_of(address)}
        for name, field in (("with_django", "username"), ("with_security", "email")):
            cookie = servers.sign_in(around[name], servers.PEERS_LOGIN, field=field)
            pages[name] = Page(f"{around[name]}/factures", cookie)
        sizes = {name: len(servers.fetch(page)) for name, page in pages.items()}
        rates = servers.compare(pages, rounds=rounds, seconds=seconds)
    ours = rates["portal"]
    measured = {
        name: f"{thousands(ours)}/s contre {thousands(rates[name])}/s"
        f" ({thousands(sizes['portal'] / 1024)} et {thousands(sizes[name] / 1024)} ko)"
        for name in pages
    }
    return [
        _ratio("Liste, face à Flask nu", measured["hello"], ours / rates["hello"], 0.22),
        _factor("Liste, face à Django", measured["with_django"], ours / rates["with_django"], 4),
        _factor(
            "Liste, face à Flask-Security et SQLAlchemy",
            measured["with_security"],
            ours / rates["with_security"],
            2.5,
        ),
    ]


def compare_sizes(*, rounds: int, seconds: int) -> list[Line]:
    """Load the first page and one of a year ago, of few documents and of a million."""
    day = clock.today() - timedelta(days=DEEP_DAYS)
    deep = f"?historique=tout&apres={day},{10**9}"
    with ExitStack() as stack:
        pages = {}
        for count in instances.COUNTS:
            address = stack.enter_context(servers.portal(instances.instance_of(count)))
            first = _list_of(address)
            pages[f"{count}"] = first
            pages[f"{count} deep"] = Page(first.address + deep, first.cookie)
        rates = servers.compare(pages, rounds=rounds, seconds=seconds)
    lines = []
    for name, key in (("Première page", ""), ("Page d'il y a un an", " deep")):
        few, some, many = (rates[f"{count}{key}"] for count in instances.COUNTS)
        measured = f"{thousands(many)}/s ; {thousands(some)}/s à 100\u202f000"
        measured += f" ; {thousands(few)}/s à 10\u202f000"
        lines.append(_ratio(f"{name}, 1\u202f000\u202f000 de documents", measured, many / few, 0.9))
    return lines


def compare_documents(*, rounds: int, seconds: int) -> list[Line]:
    """Load a PDF of 100 kB, sent by the portal and left to nginx."""
    instance = instances.instance_of(10_000)
    with ExitStack() as stack:
        hello = stack.enter_context(servers.peer("hello", instance / "portal.db"))
        plain = stack.enter_context(servers.portal(instance))
        handed = stack.enter_context(servers.portal(instance, ACCEL_REDIRECT_PREFIX="/_documents/"))
        cookie = _list_of(plain).cookie
        pages = {
            "hello": Page(f"{hello}/"),
            "plain": Page(f"{plain}/factures/10000.pdf", cookie),
            "handed": Page(f"{handed}/factures/10000.pdf", cookie),
        }
        rates = servers.compare(pages, rounds=rounds, seconds=seconds)
    against = f"contre {thousands(rates['hello'])}/s"
    return [
        _ratio(name, f"{thousands(rates[key])}/s {against}", rates[key] / rates["hello"], 0.4)
        for name, key in (
            ("PDF de 100 ko", "plain"),
            ("PDF de 100 ko, envoi laissé à nginx", "handed"),
        )
    ]


def _list_of(address: str) -> Page:
    cookie = servers.sign_in(address, instances.LOGIN, field="login")
    return Page(f"{address}/factures", cookie)


def _ratio(work: str, measured: str, ratio: float, goal: float) -> Line:
    return Line(work, measured, percent(ratio), f"≥ {percent(goal)}", ratio >= goal)


def _factor(work: str, measured: str, ratio: float, goal: float) -> Line:
    return Line(work, measured, times(ratio), f"≥ {times(goal)}", ratio >= goal)
