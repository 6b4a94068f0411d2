"""Which supplier is shown, and its colours (FAQ 6)."""

import gzip
import re
from collections.abc import Callable

import brotli
import pytest
from flask import Flask, url_for
from hypothesis import given
from hypothesis import strategies as st

from selfservice.files import STATIC
from selfservice.suppliers.colours import (
    DARK_PAPER,
    LIGHT_PAPER,
    contrast,
    dark_accent,
    light_accent,
)
from selfservice.suppliers.identity import is_hostname, shown_before_sign_in
from selfservice.suppliers.views import stylesheet_version
from tests.factories import make_supplier

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_the_only_supplier_is_shown_whatever_the_host(app: Flask) -> None:
    assert shown_before_sign_in("127.0.0.1:8000") is None
    supplier = make_supplier("diac")
    assert shown_before_sign_in("127.0.0.1:8000") == supplier


@pytest.mark.parametrize("host", ["diac.example.com", "DIAC.example.com:8000", "diac.example.com."])
def test_the_host_chooses_among_several(app: Flask, host: str) -> None:
    make_supplier("martin")
    diac = make_supplier("diac", hostname="diac.example.com")
    assert shown_before_sign_in(host) == diac
    assert is_hostname(host)


@pytest.mark.parametrize("host", ["", "portail.example.com", "[::1]:8000", "x:y"])
def test_another_host_shows_none_of_several(app: Flask, host: str) -> None:
    make_supplier("martin")
    make_supplier("diac", hostname="diac.example.com")
    assert shown_before_sign_in(host) is None
    assert not is_hostname(host)


@given(colours)
def test_every_colour_becomes_readable(colour: str) -> None:
    for accent, paper in ((light_accent(colour), LIGHT_PAPER), (dark_accent(colour), DARK_PAPER)):
        assert contrast(accent.colour, paper) >= 4.5
        assert contrast(accent.on_colour, accent.colour) >= 4.5


def test_a_colour_that_reads_already_stays(app: Flask) -> None:
    assert light_accent("#1f4e79").colour == "#1f4e79"
    assert dark_accent("#8fbde8").colour == "#8fbde8"


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_papers_are_not_kinder_than_those_of_the_stylesheet(app: Flask) -> None:
    css = app.test_client().get("/static/portal.css").get_data(as_text=True)
    colours = {name: re.findall(rf"--{name}: (#\w+);", css)[:2] for name in ("paper", "raised")}
    for light, dark in colours.values():
        assert contrast("#000000", whole(light)) >= contrast("#000000", LIGHT_PAPER)
        assert contrast("#ffffff", whole(dark)) >= contrast("#ffffff", DARK_PAPER)


def test_each_colour_has_its_dark_twin_and_browsers_of_2023_read_both(app: Flask) -> None:
    make_supplier("diac", colour="#0b5a7a")
    css = app.test_client().get("/fournisseurs/diac/portal.css").text
    blocks = re.findall(r":root ?\{(.*?)\}", css, re.DOTALL)
    light, dark = ({*re.findall(r"(--[\w-]+): #", each)} for each in blocks[:2])
    assert light == dark and "--ink" in light
    # Firefox ESR 115 knows neither, Safari 16.0 no range in a query.
    body = css.partition("browsers of 2023 do not know it")[2]
    assert not re.search(r"light-dark\(|(?:width|height) [<>]", body)


def whole(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])


def test_the_stylesheet_is_public_and_cached(app: Flask) -> None:
    make_supplier("diac", colour="#0b5a7a")
    with app.test_request_context():
        address = url_for("suppliers.stylesheet", slug="diac", v=stylesheet_version("#0b5a7a"))
    response = app.test_client().get(address)
    assert response.mimetype == "text/css"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Set-Cookie" not in response.headers
    assert response.headers["Vary"] == "Accept-Encoding"
    for other in ("", "?v=123456"):
        again = app.test_client().get(f"/fournisseurs/diac/portal.css{other}")
        assert again.headers["Cache-Control"] == "public, max-age=3600"
    light, dark = light_accent("#0b5a7a"), dark_accent("#0b5a7a")
    assert response.text == (STATIC / "portal.css").read_text() + (
        f":root{{--accent:{light.colour};--on-accent:{light.on_colour}}}\n"
        "@media screen and (prefers-color-scheme:dark){"
        f":root{{--accent:{dark.colour};--on-accent:{dark.on_colour}}}}}\n"
    )


@pytest.mark.parametrize(
    ("accepted", "coding", "unpack"),
    [
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("gzip, deflate", "gzip", gzip.decompress),
        ("br;q=0, gzip;q=0.5", "gzip", gzip.decompress),
        ("identity", None, bytes),
        ("zstd", None, bytes),
        ("", None, bytes),
        ("*", "br", brotli.decompress),
        (";;q=,", None, bytes),
    ],
)
def test_the_stylesheet_is_packed_as_its_visitor_takes_it(
    app: Flask, accepted: str, coding: str | None, unpack: Callable[[bytes], bytes]
) -> None:
    make_supplier("diac", colour="#0b5a7a")
    plain = app.test_client().get("/fournisseurs/diac/portal.css").data
    response = app.test_client().get(
        "/fournisseurs/diac/portal.css", headers={"Accept-Encoding": accepted}
    )
    assert response.headers.get("Content-Encoding") == coding
    assert unpack(response.data) == plain
    assert int(response.headers["Content-Length"]) == len(response.data)


@pytest.mark.parametrize("slug", ["inconnu", "%00", "é", "x" * 3000])
@pytest.mark.parametrize("page", ["portal.css", "logo"])
def test_an_unknown_supplier_is_404(app: Flask, slug: str, page: str) -> None:
    assert app.test_client().get(f"/fournisseurs/{slug}/{page}").status_code == 404


def test_a_supplier_without_logo_is_404(app: Flask) -> None:
    make_supplier("diac")
    assert app.test_client().get("/fournisseurs/diac/logo").status_code == 404
