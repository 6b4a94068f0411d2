"""Headers of every answer (ASVS 3.4), limits of bodies, and who may cache."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, abort

from selfservice.web import MAX_BODY_BYTES, PAGES_OF_ERRORS
from tests.conftest import Browser
from tests.factories import People

PRIVATE_CODES = [code for code in PAGES_OF_ERRORS if code != 429]


@pytest.mark.usefixtures("unshared")
@pytest.mark.parametrize("code", PRIVATE_CODES)
def test_errors_have_the_headers_too(code: int, app: Flask, people: People) -> None:
    app.add_url_rule("/faute", view_func=lambda: abort(code))
    headers = app.test_client().get("/faute").headers
    assert headers["Cache-Control"] == "no-store"
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_redirects_and_public_files_have_the_policy(browser: Browser, people: People) -> None:
    for path in ("/factures", "/fournisseurs/diac/portal.css", "/sante"):
        assert "frame-ancestors 'none'" in browser.get(path).headers["Content-Security-Policy"]


def test_the_length_of_a_page_tells_nothing_of_its_token(alice: Browser) -> None:
    assert len({len(alice.get("/profil/compte").data) for _ in range(20)}) > 4


@pytest.mark.parametrize("path", ["/factures", "/profil/compte", "/administration/utilisateurs"])
def test_a_private_page_is_never_a_304(path: str, alice: Browser) -> None:
    response = alice.get(path)
    assert "ETag" not in response.headers
    assert "Last-Modified" not in response.headers
    asked = {"If-None-Match": "*", "If-Modified-Since": "Sun, 22 Nov 2030 00:00:00 GMT"}
    assert alice.get(path, headers=asked).status_code == 200


def test_public_files_are_cached(
    tmp_path: Path, configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<h1>Aide</h1>", "utf-8")
    configure(HELP_SITE_DIR=str(tmp_path / "site"))
    client = make_app().test_client()
    for path in ("/aide/", "/static/portal.css"):
        response = client.get(path)
        assert "public" in response.headers["Cache-Control"]
        assert "Set-Cookie" not in response.headers
        again = client.get(path, headers={"If-None-Match": response.headers["ETag"]})
        assert again.status_code == 304


def test_only_the_help_site_may_hold_inline_script(
    tmp_path: Path, configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    (tmp_path / "site").mkdir()
    for name in ("index.html", "404.html"):
        (tmp_path / "site" / name).write_text("<h1>Aide</h1>", "utf-8")
    configure(HELP_SITE_DIR=str(tmp_path / "site"))
    client = make_app().test_client()
    for path in ("/aide/", "/aide/nulle-part/"):
        policy = client.get(path).headers["Content-Security-Policy"]
        assert "script-src 'self' 'unsafe-inline'" in policy
        assert "img-src 'self' data:" in policy
        for directive in ("frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"):
            assert directive in policy
    for path in ("/", "/aide", "/aidez/", "/static/portal.css"):
        assert "unsafe-inline" not in client.get(path).headers.get("Content-Security-Policy", "")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_too_large_is_refused_whatever_its_type(kind: str, browser: Browser) -> None:
    fields = {"login": "x" * (MAX_BODY_BYTES + 1)}
    response = browser.client.post("/connexion", data=fields, content_type=kind)
    assert response.status_code == 413


@pytest.mark.parametrize("rest", ["", '; filename="a.pdf"'])
def test_a_field_without_a_name_is_refused(rest: str, browser: Browser) -> None:
    body = f'--b\r\nContent-Disposition: form-data; name="\r"{rest}\r\n\r\nx\r\n--b--\r\n'
    for path in ("/connexion", "/reinitialisation"):
        response = browser.client.post(
            path, data=body, content_type="multipart/form-data; boundary=b"
        )
        assert response.status_code == 400


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000"])
def test_a_host_that_is_not_ours_is_refused_with_the_headers(host: str, browser: Browser) -> None:
    response = browser.get("/", headers={"Host": host})
    assert response.status_code == 400
    assert host not in response.text
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/.git/config",
        "/.env",
        "/instance/secret_key",
        "/secret_key",
        "/config.toml",
        "/portal.db",
        "/documents/",
        "/_documents/00/0.pdf",
        "/selfservice/app.py",
        "/static/",
        "/static/../selfservice/app.py",
        "/static/%2e%2e/app.py",
        "/static/%252e%252e/app.py",
        "/aide/../../instance/secret_key",
        "/aide/..%2f..%2finstance/secret_key",
        "/aide/assets/",
        "/fournisseurs/",
        "/fournisseurs/..%2f..%2fsecret_key/logo",
    ],
)
def test_nothing_is_served_beside_pages_static_files_and_help(
    path: str, browser: Browser, people: People
) -> None:
    assert browser.get(path).status_code == 404
    for method in ("TRACE", "CONNECT", "PROPFIND", "PUT", "DELETE"):
        assert browser.client.open("/connexion", method=method).status_code in (400, 404, 405)
