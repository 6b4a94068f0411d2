"""`suppliers set`: what may be set, and what is refused."""

from datetime import date, datetime
from pathlib import Path

import pytest
from flask import Flask

from selfservice.audit import AuditEntry
from selfservice.suppliers import errors, logos, messages
from selfservice.suppliers.models import DEFAULT_COLOUR, Supplier
from selfservice.suppliers.registration import get_supplier, set_supplier

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


def test_a_supplier_is_created_then_changed(app: Flask) -> None:
    supplier, is_new = set_supplier("diac", name="Diac", siren="123 456 789")
    assert is_new and (supplier.name, supplier.siren) == ("Diac", "123456789")
    assert (supplier.opened_on, supplier.colour) == (None, DEFAULT_COLOUR)
    changed, is_new = set_supplier("diac", colour="#0B5A7A", opened_on=date(2022, 12, 2))
    assert not is_new and changed.id == supplier.id
    kept = get_supplier("diac")
    assert (kept.name, kept.siren, kept.colour) == ("Diac", "123456789", "#0b5a7a")
    assert kept.opened_on == date(2022, 12, 2)
    assert [entry.event for entry in AuditEntry.select()] == [
        "supplier.created",
        "supplier.changed",
    ]


def test_none_leaves_a_value_and_an_empty_text_removes_it(app: Flask) -> None:
    set_supplier("diac", name="Diac", siren="123456789", hostname="diac.example.com")
    set_supplier("diac", siren=None, hostname="")
    kept = get_supplier("diac")
    assert (kept.siren, kept.hostname) == ("123456789", None)


def test_a_former_portal_is_told_by_its_name_its_end_and_its_logins(app: Flask) -> None:
    set_supplier(
        "diac",
        name="Diac",
        former_portal="E-Fact",
        former_closed_on="2023-09",
        former_prefixes="DC-; DL- ",
    )
    kept = get_supplier("diac")
    assert (kept.former_portal, kept.former_closed_on) == ("E-Fact", date(2023, 9, 1))
    assert kept.former_prefixes == "DC-,DL-" and kept.is_former_login("dl-42")
    set_supplier("diac", former_closed_on="", former_prefixes="")
    kept = get_supplier("diac")
    assert kept.former_closed_on is None and not kept.is_former_login("DL-42")


def test_an_instant_is_kept_as_its_day(app: Flask) -> None:
    set_supplier("diac", name="Diac", platform_since=datetime(2026, 9, 1, 12))  # noqa: DTZ001
    assert get_supplier("diac").platform_since == date(2026, 9, 1)


def test_a_new_supplier_needs_a_name(app: Flask) -> None:
    with pytest.raises(errors.NameRequiredError) as caught:
        set_supplier("diac", colour="#000000")
    assert "--name" in messages.explain(caught.value)
    assert Supplier.select().count() == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "x" * 201),
        ("name", "a\x00b"),
        ("siren", "12345678"),
        ("siren", "12345678a"),
        ("siren", "12345678900010"),
        ("hostname", "https://diac.example.com"),
        ("hostname", "-diac.example.com"),
        ("hostname", "a" * 300),
        ("colour", "blue"),
        ("colour", "#12345"),
        ("opened_on", "02/12/2022"),
        ("contact_name", "x" * 201),
        ("phone", "appelez-nous"),
        ("mail", "nom@"),
        ("hours", "x" * 201),
        ("signature", "x" * 201),
        ("former_closed_on", "septembre 2023"),
        ("former_closed_on", "2023-13"),
        ("former_prefixes", "DC"),
        ("former_prefixes", "-"),
        ("former_prefixes", ",".join(["abcdefghij-"] * 30)),
    ],
)
def test_a_wrong_value_is_named_and_nothing_changes(app: Flask, field: str, value: str) -> None:
    set_supplier("diac", name="Diac")
    with pytest.raises(errors.WrongValueError) as caught:
        set_supplier("diac", **({"contact_name": "nouveau"} | {field: value}))  # type: ignore[arg-type]
    assert caught.value.facts == {"field": field, "value": value}
    assert messages.EXPECTED_LABELS[field][0] in messages.explain(caught.value)
    assert get_supplier("diac").contact == ""


@pytest.mark.parametrize("slug", ["", "Diac", "di ac", "../x", "é", "-x", "x" * 65])
def test_a_slug_is_short_and_plain(app: Flask, slug: str) -> None:
    with pytest.raises(errors.WrongValueError):
        set_supplier(slug, name="Diac")
    with pytest.raises(errors.UnknownSupplierError):
        get_supplier(slug)


def test_a_host_name_belongs_to_one_supplier(app: Flask) -> None:
    set_supplier("diac", name="Diac", hostname="Factures.example.com.")
    with pytest.raises(errors.HostnameTakenError) as caught:
        set_supplier("martin", name="Martin", hostname="factures.example.com")
    assert "factures.example.com" in messages.explain(caught.value)
    assert Supplier.select().count() == 1


def test_an_unknown_supplier_is_named(app: Flask) -> None:
    with pytest.raises(errors.UnknownSupplierError) as caught:
        get_supplier("inconnu")
    assert "inconnu" in messages.explain(caught.value)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + b"\x00" * 20, "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_a_logo_is_kept_and_served(
    app: Flask, tmp_path: Path, content: bytes, media_type: str
) -> None:
    (tmp_path / "logo").write_bytes(content)
    set_supplier("diac", name="Diac", logo=tmp_path / "logo")
    response = app.test_client().get("/fournisseurs/diac/logo")
    assert (response.data, response.mimetype) == (content, media_type)
    assert response.headers["Cache-Control"].startswith("public, max-age=")


@pytest.mark.parametrize(
    "content",
    [b"<svg onload='alert(1)'/>", b"", b"GIF89a", PNG + b"\x00" * logos.MAX_BYTES],
    ids=["svg", "empty", "gif", "heavy"],
)
def test_other_files_are_no_logo(app: Flask, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "logo").write_bytes(content)
    with pytest.raises(errors.WrongLogoError):
        set_supplier("diac", name="Diac", logo=tmp_path / "logo")
    assert Supplier.select().count() == 0


def test_an_absent_file_is_no_logo(app: Flask, tmp_path: Path) -> None:
    with pytest.raises(errors.WrongLogoError):
        set_supplier("diac", name="Diac", logo=tmp_path / "nowhere")
