"""One source: what the portal says reaches the help site, and nothing of it is left out."""

import re
import shlex
import tomllib

import click
import pytest
from lxml.html import HtmlElement

from docs_tools import operator_facts, portal_facts
from docs_tools.built_site import BuiltSite
from selfservice import config
from selfservice.accounts import messages
from selfservice.cli import cli
from selfservice.deposits import index_csv
from selfservice.deposits.messages import REFUSALS
from selfservice.help import FAQ, OPERATORS, PREFIX
from selfservice.suppliers import companies_csv
from selfservice.suppliers.models import NOTIFICATION_MODES

OPERATORS_SITE = PREFIX + OPERATORS


@pytest.fixture(scope="module")
def operators(site: BuiltSite) -> str:
    return site.pages[OPERATORS_SITE].tree.text_content()


@pytest.fixture(scope="module")
def suppliers(site: BuiltSite) -> HtmlElement:
    return site.pages[f"{OPERATORS_SITE}deposer-des-factures/"].tree


@pytest.mark.parametrize(
    ("months", "words"), [(24, "2 ans"), (12, "1 an"), (30, "30 mois"), (6, "6 mois")]
)
def test_months_are_said_in_years_where_whole(months: int, words: str) -> None:
    assert portal_facts.in_years(months) == words


@pytest.mark.parametrize(
    ("minutes", "words"), [(120, "2 heures"), (60, "1 heure"), (90, "90 minutes"), (1, "1 minute")]
)
def test_minutes_are_said_in_hours_where_whole(minutes: int, words: str) -> None:
    assert portal_facts.in_hours(minutes) == words


def test_changed_setting_changes_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSERVICE_RETENTION_MONTHS", "36")
    monkeypatch.setenv("SELFSERVICE_RECOVERY_LINK_MINUTES", "45")
    monkeypatch.setenv("SELFSERVICE_AUDIT_MONTHS", "6")
    portal_facts.settings.cache_clear()
    try:
        words = portal_facts.variables()
        mail = portal_facts.activation_mail(portal_url="https://f.example")
    finally:
        portal_facts.settings.cache_clear()
    assert (words["retention"], words["retention_in_years"]) == ("36 mois", "3 ans")
    assert words["audit_life"] == "6 mois"
    assert words["recovery_link_life"] == "45 minutes"
    assert "pendant 36" in mail


def test_password_rule_is_that_of_the_portal(site: BuiltSite) -> None:
    text = site.pages[PREFIX + FAQ].tree.text_content()
    for rule in messages.PASSWORD_RULES.values():
        assert plain(rule) in plain(text)


@pytest.mark.parametrize("key", config.KEYS, ids=lambda key: key.name)
def test_every_setting_is_explained_to_operators(operators: str, key: config.Key) -> None:
    assert re.search(rf"\b{key.name}\b", operators)


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_is_explained_to_suppliers(suppliers: HtmlElement, name: str) -> None:
    assert plain(operator_facts.refusal(name)) in plain(suppliers.text_content())


@pytest.mark.parametrize("column", index_csv.COLUMNS)
def test_every_column_of_the_index_is_explained(suppliers: HtmlElement, column: str) -> None:
    assert column in suppliers.xpath("//td[1]/code/text()")


@pytest.mark.parametrize("word", (*companies_csv.COLUMNS, *NOTIFICATION_MODES))
def test_every_column_and_mode_of_the_register_is_explained(site: BuiltSite, word: str) -> None:
    page = site.pages[f"{OPERATORS_SITE}pour-les-conseillers/"].tree
    assert word in page.xpath("//td[1]/code/text()")


COMMAND = re.compile(r"(?:^|\bbin/)selfservice ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", re.MULTILINE)
# Up to what the shell does next: « | », « > », « && ».
COMMAND_LINE = re.compile(r"^ *(?:sudo )?(selfservice (?:\$\([^)]*\)|[^|><&\n])+)", re.MULTILINE)
COMPUTED = re.compile(r"\$\([^)]*\)")  # by the shell
COMMANDS = dict(operator_facts.commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_explained_to_operators(site: BuiltSite, name: str) -> None:
    page = site.pages[f"{OPERATORS_SITE}commandes/"].tree
    (heading,) = page.xpath(f"//article//*[@id='{name.replace(' ', '-')}']")
    text = heading.xpath("following-sibling::div[pre or .//pre]")[0].text_content()
    assert text.startswith(f"Usage : selfservice {name}")
    assert COMMANDS[name].help
    for parameter in COMMANDS[name].params:
        shown = parameter.opts[0] if isinstance(parameter, click.Option) else parameter.metavar
        assert shown and shown in text
        assert parameter.help, parameter.name  # type: ignore[attr-defined]
    assert f"  selfservice {name}" in text, "an example to type"


def test_storeys_of_the_architecture_are_those_that_are_checked(site: BuiltSite) -> None:
    project = tomllib.loads((config.REPOSITORY / "pyproject.toml").read_text("utf-8"))
    checked = project["tool"]["importlinter"]["contracts"][0]["layers"]
    page = site.pages[f"{OPERATORS_SITE}comprendre/architecture/"].tree
    shown = str(page.xpath("string(//*[@id='etages']/following-sibling::div[1]//pre)"))
    storeys = [line.replace(" · ", " | ") for line in shown.strip().splitlines()]
    assert storeys == [each for each in checked if each != "__main__"]


def test_every_command_is_the_portals_or_flasks() -> None:
    groups = {name.split()[0] for name in COMMANDS}
    assert set(cli.commands) == groups | set(operator_facts.FLASK_COMMANDS)


def test_commands_named_on_any_page_exist(site: BuiltSite) -> None:
    known = {*COMMANDS, *cli.commands}
    for page in site.pages.values():
        for code in page.tree.xpath("//article//code"):
            for first, second in COMMAND.findall(code.text_content()):
                assert first in known or f"{first} {second}" in known, (page.file, first, second)


def test_every_command_line_of_a_page_is_understood(site: BuiltSite) -> None:
    lines = {
        line: page.file
        for page in site.pages.values()
        for block in page.tree.xpath("//article//pre")
        for line in COMMAND_LINE.findall(block.text_content().replace("\\\n", " "))
    }
    assert len(lines) > 40
    for line, file in lines.items():
        words = shlex.split(COMPUTED.sub("x", line), comments=True)
        name = " ".join(words[1:3]) if " ".join(words[1:3]) in COMMANDS else words[1]
        rest = words[1 + len(name.split()) :]
        assert rest == ["--help"] or _is_understood(COMMANDS[name], rest), (file, line)


def _is_understood(command: click.Command, words: list[str]) -> bool:
    """Tell whether each word is an option, its value or an argument, and none is missing."""
    try:
        given, left, _ = command.make_parser(click.Context(command)).parse_args(words)
    except click.UsageError:
        return False
    wanted = [each for each in command.params if isinstance(each, click.Argument)]
    return not left and all(isinstance(given.get(str(each.name)), str | tuple) for each in wanted)


def plain(text: str) -> str:
    """Return the text with straight apostrophes and single ordinary spaces."""
    return re.sub(r"\s+", " ", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
