"""What the templates and static files promise, read from their sources."""

import gzip
import re
from pathlib import Path

import pytest

from selfservice.config import REPOSITORY
from selfservice.help import PAGES

TEMPLATES = REPOSITORY / "templates"
STATIC = REPOSITORY / "selfservice" / "static"
PAGES_OF_PORTAL = [
    path
    for path in sorted(TEMPLATES.rglob("*.html"))
    if path.relative_to(TEMPLATES).parts[0] != "mails"
]
MAX_STYLESHEET_BYTES = 15_000
MAX_SCRIPTS_BYTES = 4_096  # all of them


def _name(path: Path) -> str:
    return str(path.relative_to(TEMPLATES))


@pytest.mark.parametrize("path", PAGES_OF_PORTAL, ids=_name)
def test_page_has_no_inline_script_or_style(path: Path) -> None:
    source = path.read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", source)
    assert not re.search(r"<script(?![^>]*\ssrc=)", source)


@pytest.mark.parametrize("path", PAGES_OF_PORTAL, ids=_name)
def test_page_asks_no_other_host_for_anything(path: Path) -> None:
    assert not re.search(r"(src|href|action)=\"(https?:)?//", path.read_text("utf-8"))


@pytest.mark.parametrize("path", PAGES_OF_PORTAL, ids=_name)
def test_help_links_of_a_page_lead_to_known_help(path: Path) -> None:
    source = path.read_text("utf-8")
    keys = re.findall(r"(?:help_url|help_link)\(\s*['\"]([^'\"]+)", source)
    assert set(keys) <= set(PAGES)


def test_stylesheet_and_script_are_light() -> None:
    stylesheet = STATIC / "portal.css"
    assert len(gzip.compress(stylesheet.read_bytes(), mtime=0)) < MAX_STYLESHEET_BYTES
    scripts = [gzip.compress(each.read_bytes(), mtime=0) for each in STATIC.glob("*.js")]
    assert 0 < sum(map(len, scripts)) < MAX_SCRIPTS_BYTES


def test_static_files_load_nothing_from_elsewhere() -> None:
    for path in STATIC.iterdir():
        source = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"@import|url\(|https?://", source), path.name
