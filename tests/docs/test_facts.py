"""The facts of a supplier: in its row alone, on its host's pages alone, without a new build."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from selfservice import placeholders
from selfservice.config import REPOSITORY
from selfservice.help import SEARCH_INDEX
from selfservice.suppliers.models import Supplier
from tests.conftest import Browser
from tests.factories import make_supplier

FACTS_OF_DIAC = re.compile(r"E-Fact\b|\bD[CL]-|septembre 2023|Mobilize Financial", re.IGNORECASE)
SOURCES = ("mkdocs.yml", "docs_tools", "selfservice", "site_docs", "templates")
TEXTS = {".css", ".html", ".js", ".md", ".py", ".txt", ".yml"}
DEMONSTRATION = REPOSITORY / "selfservice/demo/register.py"  # the row itself
PAGE = (
    '<html><head><link rel="canonical" href="https://built.example/aide/contact/"></head><body>'
    '<p>Chez <span data-fact="name">votre fournisseur</span>.</p>'
    '<section data-if="former_portal" hidden><div>Fermé : '
    '<span data-fact="former_portal">l\'ancien</span></div></section>'
    '<section data-unless="former_portal"><p>Rien avant.</p></section></body></html>'
)
ADDRESS = "/aide/contact/"


def sources() -> Iterator[Path]:
    for name in SOURCES:
        place = REPOSITORY / name
        found = place.rglob("*") if place.is_dir() else [place]
        yield from (path for path in found if path.suffix in TEXTS and path != DEMONSTRATION)


def test_no_text_of_ours_holds_a_fact_of_a_supplier() -> None:
    found = {str(path) for path in sources() if FACTS_OF_DIAC.search(path.read_text("utf-8"))}
    assert found == set()
    assert FACTS_OF_DIAC.search(DEMONSTRATION.read_text("utf-8"))


def test_help_of_fournitures_martin_names_no_other_supplier(site_of_martin: Path) -> None:
    texts = {path: path.read_text("utf-8") for path in site_of_martin.rglob("*.html")}
    texts |= {path: path.read_text("utf-8") for path in site_of_martin.rglob("*.json")}
    for path, text in texts.items():
        assert not FACTS_OF_DIAC.search(text), path
        if "exploitation" not in path.parts:  # its commands have an example
            assert not re.search(r"\bDiac\b|02/12/2022", text, re.IGNORECASE), path
    faq = texts[site_of_martin / "foire-aux-questions" / "index.html"]
    assert "Fournitures Martin" in faq and "votre fournisseur" not in faq.partition("<article")[2]


def test_help_of_diac_tells_its_facts(site_of_diac: Path) -> None:
    faq = (site_of_diac / "foire-aux-questions" / "index.html").read_text("utf-8")
    for fact in ("Diac / Diac Location", "02/12/2022", "E-Fact", "septembre 2023", "DC- ou DL-"):
        assert fact in faq
    index = (site_of_diac / SEARCH_INDEX).read_text("utf-8")
    assert "E-Fact" in index
    assert "https://diac.example/recuperation" in index and "factures.example.com" not in index


def test_every_place_is_for_a_fact_that_suppliers_have(site_dir: Path) -> None:
    named = set()
    for path in site_dir.rglob("*.html"):
        text = path.read_text("utf-8")
        named |= set(re.findall(r'data-(?:fact|if|unless)="(\w+)"', text))
        assert not re.search(r"data-(?:fact|if|unless)=\"", placeholders.fill(text, {})), path
    assert {"name", "opening", "former_closed", "contact"} <= named <= set(placeholders.FACTS)


@pytest.fixture
def app(configure: Callable[..., None], make_app: Callable[[], Flask], tmp_path: Path) -> Flask:
    """Two suppliers, each at its host, and a help site of one page."""
    page = tmp_path / "site" / "contact" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE, "utf-8")
    index = tmp_path / "site" / SEARCH_INDEX
    index.parent.mkdir()
    tags = '"tags": ["@former_portal", "ancien"]'
    index.write_text(f'{{{tags}, "text": "Voir {placeholders.PORTAL}/recuperation"}}', "utf-8")
    sitemap = "<urlset><url><loc>https://built.example/aide/contact/</loc></url></urlset>"
    (tmp_path / "site" / "sitemap.xml").write_text(sitemap, "utf-8")
    configure(HELP_SITE_DIR=str(tmp_path / "site"), PUBLIC_URL="https://neutre.example")
    app = make_app()
    make_supplier("a", name="A & Fils", hostname="a.example", former_portal="<Vieux>")
    make_supplier("b", name="B", hostname="b.example")
    return app


def read(browser: Browser, host: str, path: str = ADDRESS, **headers: str) -> str:
    return browser.get(path, base_url=f"https://{host}", headers=headers).text


def test_each_host_tells_of_its_supplier_alone(browser: Browser) -> None:
    assert "Chez A &amp; Fils." in read(browser, "a.example")
    assert "<div>Fermé\xa0: &lt;Vieux&gt;</div>" in read(browser, "a.example")
    assert "Rien avant" not in read(browser, "a.example")
    assert "Chez B." in read(browser, "b.example")
    assert "<p>Rien avant.</p>" in read(browser, "b.example")
    for host in ("b.example", "neutre.example"):
        assert "Vieux" not in read(browser, host) + read(browser, host, f"/aide/{SEARCH_INDEX}")
    neutral = read(browser, "neutre.example")
    assert "Chez votre fournisseur." in neutral and "<span" not in neutral
    assert 'href="https://a.example/aide/contact/"' in read(browser, "a.example")
    found = json.loads(read(browser, "a.example", f"/aide/{SEARCH_INDEX}"))
    assert found["tags"] == ["&lt;Vieux&gt;", "ancien"]
    assert found["text"] == "Voir https://a.example/recuperation"


def test_search_engines_find_each_host_at_its_own_address(browser: Browser) -> None:
    for host in ("a.example", "b.example", "neutre.example"):
        assert f"Sitemap: https://{host}/aide/sitemap.xml" in read(browser, host, "/robots.txt")
        listed = f"<loc>https://{host}/aide/contact/</loc>"
        assert listed in read(browser, host, "/aide/sitemap.xml")


def test_changed_fact_shows_at_once_and_has_another_etag(browser: Browser) -> None:
    first = browser.get(ADDRESS, base_url="https://b.example")
    again = browser.get(
        ADDRESS, base_url="https://b.example", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")
    Supplier.update(name="B et Cie").where(Supplier.slug == "b").execute()
    changed = browser.get(
        ADDRESS, base_url="https://b.example", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert changed.status_code == 200
    assert "Chez B et Cie." in changed.text
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_page_is_whole_compressed_or_not_and_in_parts(browser: Browser) -> None:
    plain = browser.get(ADDRESS, base_url="https://a.example")
    assert int(plain.headers["Content-Length"]) == len(plain.data)
    assert plain.headers["Vary"] == "Accept-Encoding"
    assert "Set-Cookie" not in plain.headers
    packed = browser.get(
        ADDRESS, base_url="https://a.example", headers={"Accept-Encoding": "br, gzip"}
    )
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] != plain.headers["ETag"]
    refused = browser.get(
        ADDRESS, base_url="https://a.example", headers={"Accept-Encoding": "gzip;q=0"}
    )
    assert refused.data == plain.data
    part = browser.get(ADDRESS, base_url="https://a.example", headers={"Range": "bytes=6-20"})
    assert (part.status_code, part.data) == (206, plain.data[6:21])
    head = browser.client.head(ADDRESS, base_url="https://a.example")
    assert head.headers["Content-Length"] == plain.headers["Content-Length"]


def test_only_supplier_shows_on_every_host(browser: Browser) -> None:
    Supplier.delete().where(Supplier.slug == "a").execute()
    assert "Chez B." in read(browser, "neutre.example")


def test_demonstration_shows_its_first_supplier_and_each_at_its_own_name(
    configure: Callable[..., None], app: Flask, make_app: Callable[[], Flask]
) -> None:
    configure(PUBLIC_URL="http://127.0.0.1:8000", DEMO="true")
    browser = Browser(make_app().test_client())
    assert "Chez A &amp; Fils." in read(browser, "127.0.0.1:8000")
    assert "Chez B." in read(browser, "b.localhost:8000")
    assert browser.get(ADDRESS, base_url="http://c.localhost:8000").status_code == 400


def test_fact_is_markup_nowhere() -> None:
    """The search writes the words of its index into its page as they are."""
    name = "<img src=x onerror=alert(1)>"
    for text in ('{"tags": ["@name"]}', '<p><span data-fact="name">x</span></p>'):
        filled = placeholders.fill(text, {"name": name})
        assert "<img" not in filled
        assert "&lt;img" in filled
