"""The built help site: the sixteen questions, their links, French typography, its 404 page."""

import json
import re
from datetime import date
from urllib.parse import urljoin

import pytest

from docs_tools import check, pages, search
from docs_tools.built_site import BuiltSite, faults
from selfservice.help import FAQ, FAQ_KEYS, OPERATORS, PREFIX

FAQ_ADDRESS = PREFIX + FAQ
TODAY = date(2026, 11, 21)
# Those who build the portal and write its help name what customers type.
FOR_BUILDERS = ("exploitation/comprendre/", "exploitation/contribuer/")


@pytest.fixture(scope="module")
def faq(site_of_diac):
    return BuiltSite(site_of_diac).pages[FAQ_ADDRESS].tree


def test_sixteen_questions_are_open_headings_in_the_order_of_the_seed(faq) -> None:
    headings = faq.xpath("//article//h2[@id]")
    assert [heading.get("id") for heading in headings] == list(FAQ_KEYS)
    assert not faq.xpath("//article//details")
    for number, heading in enumerate(headings, 1):
        assert heading.text_content().startswith(f"{number}. ")


def test_every_answer_begins_with_a_short_one(site_of_diac, site_of_martin) -> None:
    for folder in (site_of_diac, site_of_martin):
        for heading in BuiltSite(folder).pages[FAQ_ADDRESS].tree.xpath("//article//h2[@id]"):
            short = plain(heading.getnext().text_content())
            assert short.startswith("En bref : "), heading.get("id")
            assert len(re.split(r"[.?!] ", short)) <= 3, short
            assert len(short) < 330, short


def test_who_had_the_former_portal_reads_first_that_it_is_closed(faq) -> None:
    (heading,) = faq.xpath("//h2[@id='historique-avant-2022-12-02']")
    assert "l’ancien portail E-Fact est fermé depuis septembre 2023" in plain(
        heading.getnext().text_content()
    )


def test_contents_by_task_lead_to_every_question_once(faq) -> None:
    links = faq.xpath("//div[@class='tasks']//a/@href")
    assert sorted(links) == sorted(f"#{key}" for key in FAQ_KEYS)


def test_every_cross_reference_of_the_seed_is_a_working_link(faq) -> None:
    within = faq.xpath("//article//a[not(ancestor::div[@class='tasks'])][@href]/@href")
    to_questions = [link for link in within if link.removeprefix("#") in FAQ_KEYS]
    assert len(to_questions) >= 21
    assert "#" not in within


def test_example_mail_is_text_with_its_login_highlighted(faq) -> None:
    (mail,) = faq.xpath("//div[@class='mail']")
    assert mail.xpath(".//mark//text()") == ["pierre.durand_1"]
    assert mail.xpath(".//a/@href") == ["/recuperation", "/", FAQ_ADDRESS]
    assert "24\N{NO-BREAK SPACE}mois après leur date d’émission" in mail.text_content()


def test_tables_of_question_13_are_text(faq) -> None:
    added, account = faq.xpath("//h2[@id='acces-collaborateurs']/following-sibling::table")[:2]
    assert added.xpath(".//th/text()") == ["CONNEXION", "COORDONNÉES", "DROITS"]
    assert "Mot de passe (bis) (obligatoire)" in added.text_content()
    assert account.xpath(".//mark//text()") == ["Réinitialiser mon mot de passe"]


@pytest.mark.parametrize(
    ("question", "facts"),
    [
        ("portail-e-facture", ["1er septembre 2026", "1er septembre 2027", "n° 2023-1322"]),
        ("historique-avant-2022-12-02", ["fermé depuis septembre 2023", "DC- ou DL-"]),
        ("duree-disponibilite", ["10 ans", "L123-22", "6 ans", "L102 B"]),
    ],
)
def test_changed_facts_are_stated_with_their_source(faq, question: str, facts: list[str]) -> None:
    (heading,) = faq.xpath(f"//h2[@id='{question}']")
    after = " ".join(
        block.text_content()
        for block in heading.xpath("following-sibling::*")
        if block.xpath(f"preceding-sibling::h2[1][@id='{question}']")
    )
    plain = re.sub(r"\s+", " ", after)
    for fact in facts:
        assert fact in plain


def test_contents_have_short_names_and_headings_the_whole_question(faq) -> None:
    for key in FAQ_KEYS:
        names = faq.xpath(f"//div[@class='tasks']//a[@href='#{key}']//text()")
        whole = faq.xpath(f"string(//h2[@id='{key}'])")
        beside = faq.xpath(
            f"string(//nav[contains(@class, 'md-nav--secondary')]//a[@href='#{key}'])"
        )
        assert plain("".join(names)) == plain(beside).strip()
        assert len("".join(names)) < 40 < len(whole)


def test_search_engines_read_the_questions_with_their_short_answers(site: BuiltSite) -> None:
    (script,) = site.pages[FAQ_ADDRESS].tree.xpath("//head/script[@type='application/ld+json']")
    data = json.loads(script.text)
    assert data["@type"] == "FAQPage"
    assert len(data["mainEntity"]) == len(FAQ_KEYS)
    for question in data["mainEntity"]:
        assert question["name"].endswith("?") and "¶" not in question["name"]
        assert len(question["acceptedAnswer"]["text"]) > 30
    of_nobody = data["mainEntity"][FAQ_KEYS.index("historique-avant-2022-12-02")]
    assert of_nobody["acceptedAnswer"]["text"].startswith("Elles ne sont pas sur ce portail.")


def test_each_page_of_the_customers_ends_with_whom_to_ask(site_of_diac) -> None:
    for page in BuiltSite(site_of_diac).pages.values():
        if OPERATORS not in page.file and not page.file.endswith("404.html"):
            phone = page.tree.xpath("//p[@class='whom-to-ask']//a[@href='tel:0900000001']/text()")
            assert phone == ["09 00 00 00 01"], page.file


def test_readers_find_one_word_for_one_thing(site_of_diac) -> None:
    """The form of the seed keeps its « Login », the seed's mail its own words."""
    other = re.compile(r"\blogins?\b|(?i:\bcourriels?\b|\be-?mails?\b)")
    for page in BuiltSite(site_of_diac).pages.values():
        if page.file.startswith(FOR_BUILDERS):
            continue
        (article,) = page.tree.xpath("//article")
        for quoted in article.xpath(".//code | .//pre | .//div[@class='mail']"):
            quoted.drop_tree()
        assert not other.findall(plain(article.text_content())), page.file


def test_image_of_the_first_screen_alone_is_loaded_at_once(site: BuiltSite) -> None:
    guide = site.pages[f"{PREFIX}guide-de-connexion/"].tree
    first, *others = guide.xpath("//article//img/@loading")
    assert first == "eager" and set(others) == {"lazy"}


def test_no_page_leaves_out_what_is_off_the_screen() -> None:
    style = (pages.DOCS / "assets/stylesheets/help.css").read_text("utf-8")
    assert "content-visibility" not in style


def test_copies_are_dated_by_the_platform_of_the_supplier(site_of_diac, site_of_martin) -> None:
    for name in ("foire-aux-questions", "guide-de-connexion"):
        dated, undated = (
            (folder / name / "index.html").read_text("utf-8")
            for folder in (site_of_diac, site_of_martin)
        )
        assert "Depuis le 1er septembre 2026</strong>, l’original vous parvient" in plain(dated)
        assert "l’original vous parvient" not in undated
    mail = BuiltSite(site_of_diac).pages[FAQ_ADDRESS].tree.xpath("string(//div[@class='mail'])")
    assert "Depuis le 1er septembre 2026, l’original vous parvient" in plain(mail)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_guide_tells_after_each_step_what_is_seen(site: BuiltSite) -> None:
    guide = site.pages[f"{PREFIX}guide-de-connexion/"].tree
    steps = guide.xpath("//article//h3[starts-with(@id, 'etape-')]")
    assert [step.text_content()[0] for step in steps] == list("12345678")
    seen = guide.xpath("//article//p[starts-with(., 'Vous voyez alors')]")
    assert len(seen) >= 6


def test_diagnosis_asks_four_open_questions_whose_answers_lead_on(site: BuiltSite) -> None:
    page = site.pages[f"{PREFIX}je-n-arrive-pas-a-me-connecter/"].tree
    headings = [heading.text_content() for heading in page.xpath("//article//h2")]
    assert [heading[:2] for heading in headings[:4]] == ["1.", "2.", "3.", "4."]
    assert not page.xpath("//article//details")
    links = page.xpath("//article//a/@href")
    assert {"/recuperation", "/profil/preferences"} <= set(links)
    answered = {link.partition("#")[2] for link in links if FAQ in link}
    assert {"mail-activation-non-recu", "retrouver-identifiant", "mot-de-passe-oublie"} <= answered


def test_site_has_no_fault(site: BuiltSite, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSERVICE_INSTANCE", "")
    monkeypatch.setenv("SELFSERVICE_SECRET_KEY", "")
    is_portal_page = check.portal_pages(check.make_portal(tmp_path / "instance"))
    assert list(faults(site, is_portal_page=is_portal_page)) == []


def test_pages_as_written_have_no_fault() -> None:
    assert list(pages.faults(pages.DOCS, today=TODAY)) == []


def test_no_ordinary_space_is_left_before_a_double_mark(site: BuiltSite) -> None:
    for page in site.pages.values():
        for text in page.tree.xpath("//article//p//text()[not(ancestor::code)]"):
            assert not re.search(r"\w [?!;:»]|« ", text), (page.file, text)


def test_every_page_says_when_it_was_verified(site: BuiltSite) -> None:
    for page in site.pages.values():
        if not page.file.endswith("404.html"):
            assert page.tree.xpath("//p[@class='verified']/time/@datetime"), page.file


def test_missing_page_answers_in_french_with_ways_on(site: BuiltSite) -> None:
    tree = site.pages[f"{PREFIX}404.html"].tree
    assert tree.xpath("string(//h1)") == "Cette page n’existe pas"
    assert tree.get("lang") == "fr"
    links = tree.xpath("//article//a/@href")
    assert links == [PREFIX, f"{PREFIX}guide-de-connexion/", FAQ_ADDRESS, "/"]


def test_portal_is_one_click_away_from_every_page(site: BuiltSite) -> None:
    for page in site.pages.values():
        assert page.tree.xpath("//header//a[@href='/']/text()") == ["Portail"]


def test_every_page_says_what_to_do_without_script(site: BuiltSite) -> None:
    for page in site.pages.values():
        if not page.file.endswith("404.html"):
            said = page.tree.xpath("string(//noscript/p[@class='noscript'])")
            assert "Sans JavaScript, la recherche ne fonctionne pas" in said, page.file


def test_customers_read_and_search_their_own_pages_alone(site: BuiltSite, site_dir) -> None:
    for place in ("", OPERATORS):
        home = site.pages[PREFIX + place]
        menu = home.tree.xpath("//nav[contains(@class, 'md-nav--primary')]//a/@href")
        shown = {urljoin(home.address, link).partition("#")[0] for link in menu}
        index = json.loads((site_dir / place / search.INDEX).read_text("utf-8"))
        found = {home.address + each["location"].partition("#")[0] for each in index["docs"]}
        of_place = {
            page
            for page in site.pages
            if page.startswith(PREFIX + OPERATORS) == bool(place) and not page.endswith("404.html")
        }
        assert shown - {"/"} == of_place
        assert found == of_place


def test_each_site_is_one_click_away_from_the_other(site: BuiltSite) -> None:
    for page in site.pages.values():
        links = page.tree.xpath("//footer//nav[@class='site-links']/a/@href")
        assert {PREFIX + FAQ, PREFIX + OPERATORS} < {urljoin(page.address, each) for each in links}


def test_files_are_served_compressed(site_dir) -> None:
    assert (site_dir / "foire-aux-questions/index.html.gz").is_file()


def test_search_file_is_patched_once(site_dir) -> None:
    text = (site_dir / search.FRENCH_INDEX).read_text("utf-8")
    assert text.count("fold-fr") == 1


def test_no_language_but_ours_is_laid_there(site_dir) -> None:
    languages = (site_dir / search.LUNR).rglob("lunr.*.js")
    assert {script.name for script in languages} == search.LOADED
