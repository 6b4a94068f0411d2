"""Each supplier in its own space: the login decides, and nothing of another ever shows (FAQ 6)."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask

from selfservice.accounts import recovery
from selfservice.mail.outbox import OutboxMail
from selfservice.suppliers.models import Supplier
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_company, make_invoice, make_user

DIAC, MARTIN = "diac.example.com", "martin.example.com"
PAGES = [
    "/factures",
    "/profil/compte",
    "/profil/preferences",
    "/profil/mot-de-passe",
    "/profil/sessions",
    "/administration/utilisateurs",
    "/administration/utilisateurs/ajout",
    "/nulle-part",
]
NOTICE = "Vous êtes venu par la page de"


@pytest.fixture
def hosts(people: People) -> People:
    """Both suppliers with a host, a colour, a logo, a contact and a former portal of their own."""
    facts = {
        "diac": {
            "hostname": DIAC,
            "colour": "#0b5a7a",
            "contact_name": "Conseil d’Alice",
            "phone": "09 00 00 00 01",
            "former_portal": "E-Fact",
            "former_prefixes": "DC-,DL-",
        },
        "martin": {
            "hostname": MARTIN,
            "colour": "#7a2b0b",
            "contact_name": "Conseil de Charlie",
            "former_prefixes": "FM-",
        },
    }
    for slug, row in facts.items():
        logo = row["colour"][1:] * 10
        Supplier.update(logo_sha256=logo, **row).where(Supplier.slug == slug).execute()
    return people


@pytest.fixture
def at(app: Flask) -> Callable[[str], Browser]:
    """Return a browser that visits one host."""

    def visit(host: str) -> Browser:
        client = app.test_client()
        client.open = partial(client.open, base_url=f"http://{host}")  # type: ignore[method-assign]
        return Browser(client)

    return visit


def assert_shows(page: str, supplier: Supplier, *, nothing_of: Supplier) -> None:
    supplier, other = (Supplier.get_by_id(row.id) for row in (supplier, nothing_of))
    assert supplier.name in page
    for mark in (f"/{supplier.slug}/portal.css", f"/{supplier.slug}/logo", supplier.contact):
        assert mark in page, mark
    for mark in (f"/{other.slug}/", other.name, str(other.contact), str(other.colour)):
        assert mark not in page, mark


@pytest.mark.parametrize("path", ["/", "/connexion", "/recuperation", "/nulle-part"])
def test_the_host_chooses_who_is_shown_before_sign_in(
    path: str, at: Callable[[str], Browser], hosts: People
) -> None:
    assert_shows(at(DIAC).get(path).text, hosts.supplier, nothing_of=hosts.other_supplier)
    assert_shows(at(MARTIN).get(path).text, hosts.other_supplier, nothing_of=hosts.supplier)


def test_no_page_open_to_all_tells_of_another_supplier_at_the_host_of_one(
    app: Flask, at: Callable[[str], Browser], hosts: People
) -> None:
    texts = {
        rule.rule: at(MARTIN).get(rule.rule).text
        for rule in app.url_map.iter_rules()
        if not rule.arguments and "GET" in (rule.methods or ())
    }
    assert {"/", "/contact", "/je-n-ai-rien-recu", "/robots.txt"} <= texts.keys()
    texts["a failed login"] = at(MARTIN).sign_in("DC-100245", PASSWORD).text
    for path, text in texts.items():
        for fact in ("Diac", DIAC, "E-Fact", "ou DL-", "09 00 00 00 01", "Conseil d’Alice"):
            assert fact not in text, (path, fact)


def test_former_portal_is_named_at_its_suppliers_host_and_at_the_address_of_all(
    at: Callable[[str], Browser], browser: Browser, hosts: People
) -> None:
    for visitor in (at(DIAC), browser):
        assert "ancien portail E-Fact" in visitor.sign_in("DC-100245", PASSWORD).text
    assert "ancien portail" in at(MARTIN).sign_in("FM-1", PASSWORD).text


def test_one_address_for_all_names_nobody(browser: Browser, hosts: People) -> None:
    for path in ("/", "/connexion", "/recuperation"):
        page = browser.get(path).text
        for supplier in Supplier.select():
            assert supplier.name not in page
            assert f"/{supplier.slug}/" not in page
            assert supplier.contact not in page


@pytest.mark.parametrize("path", PAGES)
def test_signed_in_only_the_logins_own_supplier_shows(
    path: str, at: Callable[[str], Browser], hosts: People
) -> None:
    make_invoice(hosts.alice.company)
    make_invoice(hosts.charlie.company, number="CHARLIE-1")
    browser = at(DIAC)
    browser.sign_in("alice", PASSWORD)
    page = browser.get(path).text
    assert_shows(page, hosts.supplier, nothing_of=hosts.other_supplier)
    assert NOTICE not in page
    assert "CHARLIE-1" not in page


def test_who_came_from_another_suppliers_page_learns_why_and_how_to_go_on(
    at: Callable[[str], Browser], hosts: People
) -> None:
    browser = at(MARTIN)
    assert browser.sign_in("alice", PASSWORD).location == "/factures", "the address stays"
    page = " ".join(browser.get("/factures").text.split())
    begin = page.index("Vous voyez les factures de Diac / Diac Location, non celles de")
    band = page[begin : page.index("</details>", begin)]
    assert f"{NOTICE} Fournitures Martin, mais l’identifiant <b>alice</b>" in band
    assert "compte chez Diac / Diac Location" in band
    assert 'href="/recuperation"' in band
    assert "/aide/foire-aux-questions/#factures-autre-fournisseur" in band
    without_band = page.replace(band, "")
    assert_shows(without_band, hosts.supplier, nothing_of=hosts.other_supplier)


def test_the_notice_ends_with_the_session(at: Callable[[str], Browser], hosts: People) -> None:
    browser = at(MARTIN)
    browser.sign_in("alice", PASSWORD)
    assert NOTICE in browser.get("/profil/compte").text
    browser.submit("/deconnexion", {}, page="/profil/compte")
    assert NOTICE not in browser.get("/").text
    browser.sign_in("charlie", PASSWORD)
    assert NOTICE not in browser.get("/factures").text


def test_the_portals_own_address_needs_no_notice(browser: Browser, hosts: People) -> None:
    browser.sign_in("alice", PASSWORD)
    assert NOTICE not in browser.get("/factures").text


def test_the_list_of_recovery_alone_names_all_that_is_theirs(
    at: Callable[[str], Browser], hosts: People
) -> None:
    import_company = make_company(hosts.other_supplier, email="alice@example.com")
    make_user(import_company, "alice_2", email="alice@example.com", is_from_activation=True)
    browser = at(DIAC)
    asked = browser.submit("/recuperation", {"email": "alice@example.com"}).text
    assert_shows(asked, hosts.supplier, nothing_of=hosts.other_supplier)
    link = re.search(r"/reinitialisation/\S+", OutboxMail.get().body_text)
    assert link
    browser.get(link[0])
    page = browser.get("/reinitialisation").text
    assert "Fournitures Martin" in page
    fieldset = page[page.index("<fieldset") : page.index("</fieldset>")]
    assert_shows(page.replace(fieldset, ""), hosts.supplier, nothing_of=hosts.other_supplier)


def test_mails_for_one_supplier_name_that_one_and_lead_to_its_host(
    app: Flask, hosts: People
) -> None:
    recovery.request_link("charlie@example.com", origin="")
    mail = OutboxMail.get()
    assert mail.sender_name == "Fournitures Martin"
    for body in (mail.body_text, mail.body_html):
        assert f"https://{MARTIN}/reinitialisation/" in body
        assert "Diac" not in body
        assert "127.0.0.1" not in body


@pytest.mark.parametrize("name", ["portal.css", "logo"])
def test_public_files_are_the_same_for_everybody(
    name: str, at: Callable[[str], Browser], hosts: People, app: Flask
) -> None:
    logos = app.config["DOCUMENTS_DIR"] / "logos"
    logos.mkdir(parents=True)
    (logos / ("0b5a7a" * 10)).write_bytes(b"\x89PNG\r\n\x1a\n")
    browser = at(DIAC)
    browser.sign_in("alice", PASSWORD)
    response = browser.get(f"/fournisseurs/diac/{name}")
    assert response.status_code == 200
    assert response.headers["Cache-Control"].startswith("public, max-age=")
    assert "Cookie" not in response.headers.get("Vary", "")
    assert "Set-Cookie" not in response.headers
