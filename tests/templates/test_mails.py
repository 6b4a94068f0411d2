"""The mails' words against the seed's, and their two versions against each other."""

import re
import unicodedata
from datetime import date, datetime
from pathlib import Path

import pytest
from flask import Flask, render_template
from markupsafe import Markup

from selfservice.config import REPOSITORY

SEED = REPOSITORY.parent / "shared" / "seeds" / "foire-aux-questions.txt"
CONTEXTS: dict[str, dict[str, object]] = {
    "activation": {
        "supplier_name": "Mobilize Financial Services",
        "signature": "L’équipe Mobilize Financial Services",
        "login": "pierre.durand_1",
        "opened_on": date(2022, 12, 2),
        "retention_months": 24,
        "portal_url": "https://diac-diaclocation.e-facture.net",
        "recovery_url": "https://diac-diaclocation.e-facture.net/recuperation",
        "faq_url": "https://diac-diaclocation.e-facture.net/aide/foire-aux-questions/",
        "contact": "",
    },
    "recovery": {
        "link_url": "https://portal.example/reinitialisation/secret",
        "minutes": 120,
        "portal_url": "https://portal.example/accueil",
        "supplier_names": ["Diac", "Fournitures <Martin>"],
    },
    "password_changed": {
        "logins": [
            {"login": "pierre.durand_1", "company_name": "Durand & fils"},
            {"login": "pierre.durand_2", "company_name": "Durand Location"},
        ],
        "changed_at": datetime.fromisoformat("2026-11-21T14:02"),
        "portal_url": "https://portal.example/accueil",
        "recovery_url": "https://portal.example/recuperation",
    },
    "leaving": {
        "supplier_name": "Diac / Diac Location",
        "company_name": "Durand & fils",
        "client_number": "100310",
        "count": 2,
        "documents": [
            {
                "kind": "Facture",
                "number": f"FL2412-{each}",
                "issued_on": "04/12/2024",
                "until": "04/12/2026",
                "gross": "479,89\xa0€",
            }
            for each in (1, 2)
        ],
        "more_count": 0,
        "retention_months": 24,
        "list_url": "https://portal.example/factures?vue=a_archiver",
        "duration_url": "https://portal.example/aide/foire-aux-questions/#duree-disponibilite",
        "faq_url": "https://portal.example/aide/foire-aux-questions/",
        "contact": "",
    },
    "second_factor_changed": {
        "change": "enabled",
        "login": "pierre.durand_1",
        "company_name": "Durand & fils",
        "changed_at": datetime.fromisoformat("2026-11-21T14:02"),
        "account_url": "https://portal.example/profil/double-authentification",
        "recovery_url": "https://portal.example/recuperation",
    },
}


def _render(app: Flask, kind: str, part: str, **changes: object) -> str:
    with app.test_request_context():
        return render_template(f"mails/{kind}/{part}", **(CONTEXTS[kind] | changes))


def _words(text: str) -> str:
    """Fold spaces and apostrophes, which are free, and drop what only Markdown or mail adds."""
    text = unicodedata.normalize("NFKC", text).replace("’", "'")
    text = re.sub(r"\[([^\]]+)\]\(#\)|<(https?:[^>]+)>", r"\1\2", text)
    return re.sub(r"\s*([:?!;»])", r"\1", re.sub(r"«\s*", "«", " ".join(text.split())))


@pytest.mark.skipif(not SEED.is_file(), reason="the seed, ../shared, is not here")
@pytest.mark.parametrize("part", ["body.txt", "body.html"])
def test_activation_mail_says_all_that_the_seed_says(app: Flask, part: str) -> None:
    seed = SEED.read_text("utf-8")
    example = seed[seed.index("Cher(e) client(e),") : seed.index("Vous ne retrouvez plus votre")]
    mail = Markup(_render(app, "activation", part)).striptags()
    for sentence in re.split(r"(?<=[.?!,:])\s*\n+|(?<=[.?])\s+(?=[A-Z])", example.strip()):
        assert _words(sentence).rstrip(".") in _words(str(mail)), sentence


def test_activation_mail_of_a_supplier_without_opening_date_names_none(app: Flask) -> None:
    text = _render(app, "activation", "body.txt", opened_on=None)
    assert "factures/avoirs émis par Mobilize Financial Services" in text


def test_contact_of_the_supplier_ends_the_activation_mail(app: Flask) -> None:
    text = _render(app, "activation", "body.txt", contact="09 00 00 00 01")
    assert text.rstrip().endswith("09 00 00 00 01")


@pytest.mark.parametrize("kind", CONTEXTS)
def test_text_version_holds_every_address_of_the_button_version(app: Flask, kind: str) -> None:
    links = re.findall(r'href="([^"]+)"', _render(app, kind, "body.html"))
    text = _render(app, kind, "body.txt")
    assert links
    assert all(link in text for link in links)


@pytest.mark.parametrize("kind", CONTEXTS)
def test_mail_shows_one_button_and_loads_nothing(app: Flask, kind: str) -> None:
    html = _render(app, kind, "body.html")
    assert html.count("display: inline-block;\n                  padding: 12px") == 1
    assert not re.search(r"<img|<script|<link|url\(", html)


def test_names_are_escaped_in_html_and_plain_in_text(app: Flask) -> None:
    assert "Fournitures &lt;Martin&gt;" in _render(app, "recovery", "body.html")
    assert "Fournitures <Martin>" in _render(app, "recovery", "body.txt")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("enabled", "a été activée"),
        ("disabled", "a été désactivée"),
        ("codes", "ont été remplacés"),
    ],
)
def test_mail_on_the_second_factor_says_what_changed(app: Flask, change: str, words: str) -> None:
    for part in ("body.txt", "body.html"):
        mail = _render(app, "second_factor_changed", part, change=change)
        assert words in " ".join(mail.split())


@pytest.mark.parametrize("kind", CONTEXTS)
def test_text_version_has_french_spaces(app: Flask, kind: str) -> None:
    path = Path("mails") / kind
    for part in ("subject.txt", "body.txt"):
        source = (REPOSITORY / "templates" / path / part).read_text("utf-8")
        assert not re.search(r" [:;?!»](\s|$)|« | '|\w'\w", re.sub(r"{.*?}", "", source)), part
