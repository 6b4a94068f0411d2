"""The help on a static host of its own: no page waits for the portal, no link leads nowhere."""

from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from markupsafe import Markup

from docs_tools import build, pages
from docs_tools.built_site import BuiltSite
from selfservice.help import OPERATORS, PREFIX

SITE, PORTAL = "https://aide.martin.example", "https://factures.martin.example"
FORGE = "https://forge.example/site_docs/"
FACTS = {"name": "Fournitures Martin", "contact": Markup('<a href="tel:05">05</a>')}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone") / "aide"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SELFSERVICE_INSTANCE", str(folder.parent / "instance"))
        patch.setenv("SELFSERVICE_HELP_EDIT_URI", FORGE)
        build.build(folder, build.Alone(SITE, PORTAL, FACTS))
    return folder


def test_every_link_leads_to_a_file_of_the_site_or_to_the_portal(alone: Path) -> None:
    site, to_portal = BuiltSite(alone), set()
    for page in site.pages.values():
        address = f"{SITE}/{page.address.removeprefix(PREFIX)}"
        for element, _, link, _ in page.tree.iterlinks():
            target = urlsplit(urljoin(address, link))
            host = f"{target.scheme}://{target.netloc}"
            if host == SITE:
                assert site.holds(PREFIX + target.path.removeprefix("/")), (page.file, link)
            elif host == PORTAL:
                assert element.tag == "a", (page.file, link)
                to_portal.add(target.path)
            else:
                assert target.scheme in ("tel", "data") or element.tag == "a", (page.file, link)
    assert {"/", "/recuperation", "/je-n-ai-rien-recu"} <= to_portal


def test_each_page_of_both_sites_leads_to_its_source_where_the_setting_says_so(alone: Path) -> None:
    sources = set()
    for page in BuiltSite(alone).pages.values():
        if not page.file.endswith("404.html"):
            (link,) = page.tree.xpath("//a[.='Proposer une correction']/@href")
            sources.add(pages.DOCS / link.removeprefix(FORGE))
    assert sources == set(pages.DOCS.rglob("*.md"))


def test_pages_tell_of_the_supplier_and_ask_nothing_of_a_portal(alone: Path) -> None:
    for path in alone.rglob("*.html"):
        text = path.read_text("utf-8")
        assert "data-fact=" not in text and "data-if=" not in text, path
        assert 'action="/avis"' not in text and "feedback.js" not in text, path
    faq = (alone / "foire-aux-questions" / "index.html").read_text("utf-8")
    assert "Fournitures Martin" in faq and 'href="tel:05"' in faq
    assert f'<link rel="canonical" href="{SITE}/foire-aux-questions/">' in faq
    operators = (alone / OPERATORS / "index.html").read_text("utf-8")
    assert f'<link rel="canonical" href="{SITE}/{OPERATORS}">' in operators
    assert f"Sitemap: {SITE}/sitemap.xml" in (alone / "robots.txt").read_text("utf-8")


def test_an_instance_that_is_not_made_yet_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SELFSERVICE_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.setattr("sys.argv", ["build", "aide", "--site-url", SITE, "--supplier", "diac"])
    assert build.main() == 1
    (told,) = capsys.readouterr().err.splitlines()
    assert "son fichier ne s'ouvre pas" in told
