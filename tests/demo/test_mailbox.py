"""« Boîte mail de démonstration »: it exists in a demonstration only, and its mails are inert."""

from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from selfservice import config
from tests.factories import make_supplier
from tests.processes import command

HOSTILE = (
    "<html><head></head><body><script>alert(1)</script><a href='http://x/'>Lien</a></body></html>"
)


@pytest.fixture
def client(
    make_app: Callable[[], Flask], configure: Callable[..., None], instance: Path
) -> FlaskClient:
    configure(DEMO="true")
    app = make_app()
    write(instance, "older", subject="Premier", date="Sat, 21 Nov 2026 09:00:00 +0100")
    write(
        instance, "newer", subject="Second é", date="Sat, 21 Nov 2026 10:00:00 +0100", html=HOSTILE
    )
    return app.test_client()


def write(instance: Path, name: str, *, subject: str, date: str, html: str = "") -> None:
    message = EmailMessage()
    message["Subject"], message["Date"] = subject, date
    message["From"], message["To"] = "facture@example.com", "pierre@example.com"
    message.set_content("Bonjour, voici le <texte>.")
    if html:
        message.add_alternative(html, subtype="html")
    (instance / "mail").mkdir(exist_ok=True)
    (instance / "mail" / f"{name}.eml").write_bytes(message.as_bytes())
    (instance / "mail" / f".{name}.eml.part").write_bytes(b"half")


def test_mails_are_listed_newest_first(client: FlaskClient) -> None:
    page = client.get("/demo/mails").text
    assert "Boîte mail de démonstration" in page
    assert page.index("Second é") < page.index("Premier")
    assert page.count("/demo/mails/") == 2, "a mail half written is shown"
    assert "21/11/2026" in page or "21-11-2026" in page


def test_an_empty_mailbox_says_so(
    make_app: Callable[[], Flask], configure: Callable[..., None]
) -> None:
    configure(DEMO="true")
    page = make_app().test_client().get("/demo/mails")
    assert page.status_code == 200 and "Aucun mail" in page.text


def test_a_mail_shows_its_text_escaped_and_its_html_in_a_frame(client: FlaskClient) -> None:
    page = client.get("/demo/mails/newer").text
    assert "voici le &lt;texte&gt;" in page
    assert "/demo/mails/newer/html" in page and "sandbox" in page
    assert "<script>alert" not in page
    assert "<iframe" not in client.get("/demo/mails/older").text


def test_the_frame_may_run_and_load_nothing_and_its_links_open_on_top(client: FlaskClient) -> None:
    response = client.get("/demo/mails/newer/html")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy
    assert "sandbox allow-top-navigation-by-user-activation" in policy
    assert "allow-scripts" not in policy and "frame-ancestors 'self'" in policy
    assert '<head><base target="_top">' in response.text
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["inconnu", "..", "%2e%2e%2fsecret_key", "%00", "x" * 4000, "*"])
def test_an_unknown_mail_is_404(client: FlaskClient, name: str) -> None:
    assert client.get(f"/demo/mails/{name}").status_code == 404
    assert client.get(f"/demo/mails/{name}/html").status_code == 404


def test_a_mail_without_html_has_no_frame(client: FlaskClient) -> None:
    assert client.get("/demo/mails/older/html").status_code == 404


def test_outside_a_demonstration_it_does_not_exist(app: Flask) -> None:
    assert app.test_client().get("/demo/mails").status_code == 404


@pytest.mark.parametrize("url", ["https://factures.example.com", "http://192.0.2.7:8000"])
def test_a_public_demonstration_is_refused_unless_said_twice(
    url: str, make_app: Callable[[], Flask], configure: Callable[..., None]
) -> None:
    configure(DEMO="true", PUBLIC_URL=url)
    with pytest.raises(config.ConfigurationError, match="DEMO_ANYWAY"):
        make_app()
    configure(DEMO_ANYWAY="true")
    assert make_app().config["DEMO"]


def test_a_demonstration_beside_real_suppliers_is_not_served_unless_said_twice(
    app: Flask, instance: Path
) -> None:
    make_supplier("vrai")
    done = command(instance, "serve", "--port", "1", DEMO="true")
    assert done.returncode == 1
    assert "cette instance a de vrais fournisseurs (vrai)" in done.stderr
    again = command(
        instance, "serve", "--port", "1", "--host", "192.0.2.1", DEMO="true", DEMO_ANYWAY="1"
    )
    assert "vrais fournisseurs" not in again.stderr
    assert "vrais fournisseurs" in command(instance, "worker", DEMO="true").stderr


def test_every_page_of_a_demonstration_says_so_and_so_does_health(client: FlaskClient) -> None:
    for path in ("/connexion", "/nowhere", "/demo/mails"):
        assert "Démonstration\u00a0: aucune vraie facture" in client.get(path).text
    assert client.get("/sante").json["demo"] is True  # type: ignore[index]
