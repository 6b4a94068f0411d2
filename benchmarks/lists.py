"""The list beside its peers, of larger companies and among more documents; search; a PDF."""

from contextlib import ExitStack

from benchmarks import instances, servers
from benchmarks.instances import LARGE, LARGEST, Instance
from benchmarks.servers import Page
from benchmarks.table import Line, number, of_rates, times

SEARCHES = {"numéro": "-0499", "montant": "1%20234,80", "mois": "mars%202026"}
SEARCH_GOAL = 3


def compare_lists(
    everybody: Instance, alone: Instance, *, rounds: int, seconds: float
) -> list[Line]:
    """Load all pages in turn, each server one process; return the lines that they give."""
    with ExitStack() as stack:
        portal = stack.enter_context(servers.portal(everybody))
        lone = stack.enter_context(servers.portal(alone))
        large = servers.sign_in(portal, everybody.login)
        largest = servers.sign_in(portal, instances.login(LARGEST))
        pages = {
            "list": Page(portal, "/factures", large),
            "alone": Page(lone, "/factures", servers.sign_in(lone, alone.login)),
            "largest": Page(portal, "/factures?historique=tout", largest),
            "pdf": Page(portal, f"/factures/{everybody.newest[0]}.pdf", large),
        }
        for name, field in (("with_django", "username"), ("with_security", "email")):
            peer = stack.enter_context(servers.peer(name, everybody))
            cookie = servers.sign_in(peer, everybody.login, field=field)
            pages[name] = Page(peer, "/factures", cookie)
        for name, typed in SEARCHES.items():
            pages[name] = Page(portal, f"/factures?q={typed}", largest)
        weights = {name: len(page.get()) / 1000 for name, page in pages.items()}
        rates = servers.compare(pages, rounds=rounds, seconds=seconds)
    return [
        _beside("Django", "with_django", rates, weights, goal=2),
        _beside("Flask-Security et SQLAlchemy", "with_security", rates, weights, goal=1.2),
        of_rates(
            f"Liste, société de {number(LARGEST)} (tout montré), face à celle de {LARGE}",
            rates["largest"],
            rates["list"],
            goal=0.25,
        ),
        of_rates(
            f"Liste, société de {LARGE} parmi un million, face à la même seule",
            rates["list"],
            rates["alone"],
            goal=0.95,
        ),
        _search(rates),
        of_rates("PDF de 100 ko, face à la liste", rates["pdf"], rates["list"], goal=2),
    ]


def _beside(
    peer: str, name: str, rates: dict[str, float], weights: dict[str, float], *, goal: float
) -> Line:
    also = f" ({number(weights['list'])} et {number(weights[name])} ko)"
    work = f"Liste, société de {LARGE}, face à {peer}"
    return of_rates(work, rates["list"], rates[name], goal=goal, also=also)


def _search(rates: dict[str, float]) -> Line:
    found = {name: rates["largest"] / rates[name] for name in SEARCHES}
    worst = max(found.values())
    return Line(
        f"Recherche, société de {number(LARGEST)} : temps, face à sa liste",
        " ; ".join(f"{name} {times(each)}" for name, each in found.items()),
        times(worst),
        f"≤ {SEARCH_GOAL} ×",
        worst <= SEARCH_GOAL,
    )
