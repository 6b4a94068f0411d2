"""« Journal »: what happened in one's own companies, in French words, without a secret."""

import ast
import re
from datetime import datetime
from pathlib import Path

import pytest

from selfservice import audit
from selfservice.accounts.models import User
from selfservice.administration import journal, messages
from selfservice.audit import AuditEntry
from selfservice.config import REPOSITORY
from tests.administration.conftest import edited, page_of
from tests.administration.test_add_user import ADD, fields
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_invoice, share_company

JOURNAL = "/administration/journal"
RECORDERS = ("record", "record_of", "record_of_each", "record_in_each", "record_denial")


def rows(browser: Browser, query: str = "") -> list[str]:
    """Return the lines of the journal as a reader sees them."""
    table = browser.get(f"{JOURNAL}{query}").text.split("<tbody>")[-1].split("</tbody>")[0]
    cells = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in table.split("<tr>")
    ]
    return [" · ".join(row) for row in cells if row]


def event_names() -> dict[str, str]:
    """Return every name that the source gives to the journal, and the file that gives it.

    A name that comes as a parameter is looked up where the function is called.
    """
    paths = (REPOSITORY / "selfservice").rglob("*.py")
    trees = {path: ast.parse(path.read_text("utf-8")) for path in paths}
    return {name: path.name for path in trees for name in _recorded(trees, path)}


def _recorded(trees: dict[Path, ast.Module], path: Path) -> set[str]:
    tree, where = trees[path], path.name
    beside = [other for each, other in trees.items() if each.parent == path.parent]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    names: set[str] = set()
    for function in functions:
        for call in _calls(function, *(f"audit.{name}" for name in RECORDERS)):
            given = _constants(call.args[0])
            parameters = [each.arg for each in function.args.args]
            if not given and isinstance(call.args[0], ast.Name) and call.args[0].id in parameters:
                place = parameters.index(call.args[0].id)
                own = [(tree, call) for call in _calls(tree, function.name)]
                name = f"{path.stem}.{function.name}"
                for home, caller in [*own, *((o, c) for o in beside for c in _calls(o, name))]:
                    given |= _constants(caller.args[place], home)
            assert given, f"{where}: {ast.unparse(call)[:80]}"
            names |= given
    return names


def _calls(tree: ast.AST, *names: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if ast.unparse(call.func) in names]


def _constants(node: ast.expr, tree: ast.Module | None = None) -> set[str]:
    """Return the texts that an expression may be; a variable's are those assigned to it."""
    if isinstance(node, ast.IfExp):
        return _constants(node.body) | _constants(node.orelse)
    if isinstance(node, ast.Constant):
        return {str(node.value)}
    if isinstance(node, ast.Name) and tree is not None:
        assigned = [each for each in ast.walk(tree) if isinstance(each, ast.Assign)]
        of_name = [each.value for each in assigned if ast.unparse(each.targets[0]) == node.id]
        return set().union(*(_constants(value) for value in of_name))
    return set()


def test_every_event_of_the_source_has_french_words() -> None:
    found = event_names()
    assert {"user.switched_off", "limit.reached", "supplier.created", "sign_out"} <= found.keys()
    assert found.keys() == messages.EVENTS.keys()


def test_a_line_says_when_who_what_and_from_where(alice: Browser, people: People) -> None:
    AuditEntry.update(at=datetime(2026, 11, 21, 13, 2)).execute()  # noqa: DTZ001 - UTC, naive
    assert rows(alice) == ["21/11/2026 14:02 · alice · Connexion · — · 127.0.0.1"]


def test_what_administrators_do_is_told_in_words(alice: Browser, julie: User) -> None:
    alice.submit(page_of(julie), edited(julie, last_name="Petit", phone="1", is_active=None))
    alice.submit("/administration/profils/ajout", {"name": "Flotte", "other_contracts": "V-1\nV-2"})
    told = [re.sub(r"^\S+ \S+ · ", "", row) for row in rows(alice)]
    assert told == [
        "alice · Profil d’accès ajouté · «\u00a0Flotte\u00a0» · V-1, V-2 · 127.0.0.1",
        "alice · Utilisateur modifié · julie · nom, téléphone · 127.0.0.1",
        "alice · Utilisateur désactivé · julie · 127.0.0.1",
        "alice · Connexion · — · 127.0.0.1",
    ]


def test_an_added_administrator_is_told_from_another_user(alice: Browser, people: People) -> None:
    for login, right in (("lea", {"is_administrator": "y"}), ("luc", {})):
        alice.submit(ADD, fields(people, login=login, **right))
    added = [row for row in rows(alice) if "Utilisateur ajouté" in row]
    assert ["administrateur" in row for row in added] == [False, True]


def test_only_own_companies_show(alice: Browser, bob: Browser, people: People) -> None:
    for user in (people.bob, people.charlie):
        audit.record("sign_out", company_id=user.company_id, user_id=user.id, actor=user.login)
    audit.record("sign_in.failed", actor="nobody", origin="192.0.2.9")
    for query in ("", "?utilisateur=bob", "?utilisateur=charlie", "?type=connexions"):
        response = alice.get(f"{JOURNAL}{query}")
        page = response.text
        assert response.status_code == 200
        assert "192.0.2.9" not in page
        assert ">bob<" not in page and ">charlie<" not in page
    User.update(is_administrator=True).execute()
    assert not any("alice" in row for row in rows(bob))


def test_families_and_logins_filter(alice: Browser, people: People, julie: User) -> None:
    invoice = make_invoice(people.alice.company)
    company_id = people.alice.company_id
    audit.record("invoice.opened", company_id=company_id, actor="julie", number=invoice.number)
    audit.record("user.closed", company_id=company_id, user_id=julie.id, actor="system")
    assert len(rows(alice)) == 3
    assert [f"n° {invoice.number}" in row for row in rows(alice, "?type=documents")] == [True]
    assert len(rows(alice, "?type=connexions")) == 1
    assert ["Portail" in row for row in rows(alice, "?utilisateur=JUL")] == [True, False]
    assert len(rows(alice, "?utilisateur=jul&type=documents")) == 1
    assert "Aucun événement ici" in alice.get(f"{JOURNAL}?utilisateur=%25").text
    assert len(rows(alice, "?type=x")) == 3


def test_a_login_named_system_is_not_taken_for_the_portal(alice: Browser, people: People) -> None:
    audit.record("sign_out", company_id=people.alice.company_id, actor="system", origin="192.0.2.1")
    assert "Portail" not in rows(alice)[0]


def test_facts_that_are_not_meant_for_readers_stay_unsaid(alice: Browser, people: People) -> None:
    company_id = people.alice.company_id
    audit.record("recovery.requested", company_id=company_id, logins=3, address="fingerprint-9")
    page = alice.get(JOURNAL).text
    assert "Récupération demandée" in page
    assert "fingerprint-9" not in page
    assert PASSWORD not in page


def test_pages_follow_each_other_and_keep_the_filter(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "PAGE_ROWS", 2)
    for number in range(5):
        audit.record("invoice.opened", company_id=people.alice.company_id, number=f"F{number}")
    seen, path = [], "?type=documents"
    while path:
        seen.append([row.split("n° ")[1][:2] for row in rows(alice, path)])
        following = re.search(
            r'href="[^"]*journal(\?[^"]*)">Événements plus anciens', alice.get(JOURNAL + path).text
        )
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == [["F4", "F3"], ["F2", "F1"], ["F0"]]


def test_a_search_goes_through_so_many_entries_a_page(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search without an answer looked through hundreds of thousands, and others waited."""
    company = people.alice.company
    audit.record("invoice.opened", company_id=company.id, actor="ancienne", number="F-1")
    for _ in range(8):
        audit.record("sign_out", company_id=company.id, actor="autre")
    monkeypatch.setattr(journal, "MOST_SEARCHED", 5)
    path = f"{JOURNAL}?utilisateur=ancienne"
    pages = []
    while link := re.search(r'href="([^"]*avant=[^"]*)"', alice.get(path).text):
        pages.append(rows(alice, path.removeprefix(JOURNAL)))
        path = link[1].replace("&amp;", "&")
    pages.append(rows(alice, path.removeprefix(JOURNAL)))
    assert pages[0] == [] and "plus récents" in alice.get(f"{JOURNAL}?utilisateur=ancienne").text
    assert sum(map(len, pages)) == 1, pages


def test_companies_are_named_where_there_are_several(alice: Browser, people: People) -> None:
    assert "Atelier Alice" not in rows(alice)[0]
    share_company(people.alice, name="Alice Location")
    assert "Atelier Alice" in rows(alice)[0]


@pytest.mark.parametrize(
    "query", ["avant=x", f"avant={2**63}", "avant=-1", "type=%00", "utilisateur=%ed%a0%80%00"]
)
def test_no_parameter_breaks_the_page(alice: Browser, query: str) -> None:
    assert alice.get(f"{JOURNAL}?{query}").status_code == 200
