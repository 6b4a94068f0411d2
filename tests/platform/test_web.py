"""Headers, error pages and doors that every page shares."""

import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse
from whitenoise import compress

from selfservice import audit
from selfservice import help as help_site
from selfservice.audit import AuditEntry
from selfservice.files import STATIC
from selfservice.web import safe_next
from tests.conftest import Browser
from tests.factories import People

PUBLIC = ["/", "/connexion", "/recuperation"]
PRIVATE = [
    "/factures",
    "/profil/compte",
    "/profil/preferences",
    "/profil/mot-de-passe",
    "/profil/sessions",
    "/administration/utilisateurs",
    "/administration/utilisateurs/ajout",
]


@pytest.mark.parametrize("path", [*PUBLIC, *PRIVATE, "/nulle-part"])
def test_every_page_has_the_headers(path: str, alice: Browser) -> None:
    headers = alice.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    for name in ("default-src", "frame-ancestors", "base-uri", "object-src"):
        assert f"{name} 'none'" in policy
    for name in ("script-src", "style-src", "connect-src", "frame-src", "form-action"):
        assert f"{name} 'self';" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("path", [*PUBLIC, *PRIVATE])
def test_no_page_holds_inline_script_or_style_or_another_host(
    path: str, alice: Browser, browser: Browser
) -> None:
    page = (browser if path in PUBLIC else alice).get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)


@pytest.mark.parametrize("path", [*PUBLIC, *PRIVATE, "/nulle-part"])
def test_every_page_is_whole_french_html(path: str, alice: Browser, browser: Browser) -> None:
    page = (browser if path in PUBLIC else alice).get(path).text
    assert '<html lang="fr">' in page
    assert page.count("<h1") == 1
    assert 'href="#contenu"' in page
    for key in ("guide", "faq", "accessibilite", "mentions-legales", "donnees-personnelles"):
        assert f'href="{help_site.help_url(key)}"' in page


@pytest.mark.parametrize("path", PRIVATE)
def test_anonymous_visitors_are_sent_to_sign_in(path: str, browser: Browser) -> None:
    response = browser.get(path)
    assert response.status_code == 302
    assert response.location == f"/connexion?next={path}"


def test_https_brings_its_own_cookie_and_header(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(PUBLIC_URL="https://factures.example.com")
    client = make_app().test_client()
    response = client.get("/", base_url="https://factures.example.com")
    assert response.headers["Set-Cookie"].startswith("__Host-session=")
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert attribute in response.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in response.headers


def test_unknown_host_is_refused_and_that_of_a_supplier_is_not(
    browser: Browser, people: People
) -> None:
    assert browser.get("/", headers={"Host": "evil.example"}).status_code == 400
    people.supplier.hostname = "diac.example"
    people.supplier.save()
    response = browser.get("/", headers={"Host": "diac.example"})
    assert response.status_code == 200
    assert "Diac / Diac Location" in response.text


def test_before_signing_in_nobody_is_named_where_several_suppliers_are(
    browser: Browser, people: People
) -> None:
    page = browser.get("/").text
    assert "Diac" not in page
    assert "Martin" not in page


def test_unknown_page_is_a_french_404(browser: Browser, people: People) -> None:
    response = browser.get("/nulle-part")
    assert response.status_code == 404
    assert "<h1" in response.text


@pytest.mark.usefixtures("unshared")
def test_unexpected_error_shows_its_number_and_is_logged(
    app: Flask, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    def explode() -> str:
        raise ZeroDivisionError("secret detail")

    app.add_url_rule("/explose", "explode", explode)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    response = app.test_client().get("/explose")
    assert response.status_code == 500
    assert "secret detail" not in response.text
    number = re.search(r"\b[0-9a-f]{16}\b", response.text)
    assert number
    assert number[0] in caplog.text


def test_oversized_body_is_refused_with_a_page(browser: Browser) -> None:
    response = browser.client.post("/connexion", data={"login": "x" * 400_000})
    assert response.status_code == 413
    assert "<html" in response.text


@pytest.mark.parametrize(
    "target",
    ["//evil", "/\\evil", "http://evil", "/\nx", "/a b", "/é", "javascript:x", "", "/%00\x00"],
)
def test_unsafe_next_is_replaced(target: str) -> None:
    assert safe_next(target, "/factures") == "/factures"


def test_safe_next_is_kept() -> None:
    assert safe_next("/factures?q=1&kind=invoice", "/") == "/factures?q=1&kind=invoice"


def test_static_files_are_named_by_their_content_and_cached_for_ever(browser: Browser) -> None:
    sheet = re.search(r'href="(/static/portal\.[0-9a-f]{10}\.css)"', browser.get("/").text)
    assert sheet
    response = browser.get(sheet[1])
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "max-age=315360000, public, immutable"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    plain = browser.get("/static/portal.css")
    assert plain.data == response.data
    assert plain.headers["Cache-Control"] == "max-age=60, public"
    for nothing in ("portal.0123456789.css", "portal.css/", "absent.css"):
        assert browser.get(f"/static/{nothing}").status_code == 404


def test_static_files_come_compressed_where_the_site_is_built(
    tmp_path: Path, configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    shutil.copytree(STATIC, tmp_path / "static")
    compress.main(["--quiet", "--no-brotli", str(tmp_path)])
    configure(HELP_SITE_DIR=str(tmp_path))
    client = make_app().test_client()
    sheet = re.search(r"/static/portal\.\w+\.css", client.get("/").text)
    assert sheet
    whole = client.get(sheet[0], headers={"Accept-Encoding": "identity"}).data
    for asked in ("gzip, deflate, br", "gzip"):
        response = client.get(sheet[0], headers={"Accept-Encoding": asked})
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert "immutable" in response.headers["Cache-Control"]
        assert len(response.data) < len(whole) / 3
        assert gzip.decompress(response.data) == whole
    for refusal in ("br;q=0, gzip;q=0", "br; q=0.0,gzip;q=0.000", "gzip;q=0", "identity"):
        response = client.get(sheet[0], headers={"Accept-Encoding": refusal})
        assert "Content-Encoding" not in response.headers and response.data == whole
    response = client.get(sheet[0], headers={"Accept-Encoding": "br;q=0, gzip;q=0.5"})
    assert response.headers["Content-Encoding"] == "gzip"


def test_each_view_takes_four_requests_at_most(alice: Browser, browser: Browser) -> None:
    for page in (browser.get("/connexion"), alice.get("/factures")):
        loaded = re.findall(r'<(?:link|script|img)\b[^>]*\s(?:href|src)="([^"]+)"', page.text)
        assert 1 + len(set(loaded)) <= 4, loaded


class TestHelpSite:
    @pytest.fixture
    def site(self, tmp_path: Path, configure: Callable[..., None]) -> Path:
        folder = tmp_path / "site"
        (folder / "guide-de-connexion").mkdir(parents=True)
        (folder / "index.html").write_text("<h1>Aide</h1>", "utf-8")
        (folder / "guide-de-connexion" / "index.html").write_text("<h1>Guide</h1>", "utf-8")
        (folder / "404.html").write_text("<h1>Page introuvable</h1>", "utf-8")
        configure(HELP_SITE_DIR=str(folder))
        return folder

    def get(self, make_app: Callable[[], Flask], path: str) -> TestResponse:
        return make_app().test_client().get(path)

    def test_is_served_under_aide(self, site: Path, make_app: Callable[[], Flask]) -> None:
        response = self.get(make_app, "/aide/guide-de-connexion/")
        assert "Guide" in response.text
        assert "'unsafe-inline'" in response.headers["Content-Security-Policy"]

    def test_missing_page_gets_its_own_404(self, site: Path, make_app: Callable[[], Flask]) -> None:
        response = self.get(make_app, "/aide/nulle-part/")
        assert response.status_code == 404
        assert "Page introuvable" in response.text

    def test_page_that_moved_to_the_operators_site_is_found_there(
        self, site: Path, make_app: Callable[[], Flask]
    ) -> None:
        moved = site / "exploitation" / "contribuer"
        moved.mkdir(parents=True)
        (moved / "index.html").write_text("<h1>Contribuer</h1>", "utf-8")
        (site / "exploitation" / "404.html").write_text("<h1>Introuvable ici</h1>", "utf-8")
        response = self.get(make_app, "/aide/contribuer/")
        assert response.status_code == 301
        assert response.headers["Location"] == "/aide/exploitation/contribuer/"
        assert "Introuvable ici" in self.get(make_app, "/aide/exploitation/nulle-part/").text

    def test_search_engines_are_told_to_read_the_help_alone(
        self, site: Path, make_app: Callable[[], Flask]
    ) -> None:
        rules = self.get(make_app, "/robots.txt").text
        assert "Allow: /aide/\n" in rules and "Disallow: /\n" in rules
        assert "/aide/sitemap.xml" in rules

    def test_not_built_says_how_to_build_it(
        self, tmp_path: Path, configure: Callable[..., None], make_app: Callable[[], Flask]
    ) -> None:
        configure(HELP_SITE_DIR=str(tmp_path / "absent"))
        response = self.get(make_app, "/aide/")
        assert response.status_code == 404
        assert "make site" in response.text


def test_unknown_help_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        help_site.help_url("nulle-part")


def test_trusted_hosts_are_accepted_beside_the_public_one(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(TRUSTED_HOSTS="autre.example.com, Portail.Example.org")
    client = make_app().test_client()
    for host in ("127.0.0.1:8000", "autre.example.com", "portail.example.org"):
        assert client.get("/sante", headers={"Host": host}).status_code == 200, host
    assert client.get("/sante", headers={"Host": "evil.example"}).status_code == 400


def test_forwarded_headers_count_only_behind_a_known_proxy(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9"}
    browser = Browser(make_app().test_client())
    page = browser.get("/connexion").text
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    fields = {"csrf_token": token, "login": "x", "password": "x"}
    browser.client.post("/connexion", data=fields, headers=forged)
    assert AuditEntry.get().origin == "127.0.0.1"
    configure(PROXY_COUNT="1")
    behind = Browser(make_app().test_client())
    page = behind.get("/connexion").text
    fields["csrf_token"] = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    behind.client.post("/connexion", data=fields, headers=forged)
    newest = AuditEntry.select().order_by(AuditEntry.id.desc()).first()
    assert newest.origin == "203.0.113.9"


def test_a_wrong_method_names_the_right_ones(browser: Browser) -> None:
    response = browser.get("/deconnexion")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


def test_a_missing_role_is_in_the_journal(bob: Browser) -> None:
    bob.get("/administration/utilisateurs")
    assert AuditEntry.get(AuditEntry.event == "access.denied").actor == "bob"


def test_audit_keeps_a_line_one_line(app: Flask) -> None:
    audit.record("test", actor="a\r\nsign_in.done")
    assert AuditEntry.get().actor.isprintable()


def test_fingerprints_depend_on_the_key() -> None:
    assert audit.pseudonym("a@b.fr", key="1") != audit.pseudonym("a@b.fr", key="2")
