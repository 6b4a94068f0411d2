"""The forms that a visitor meets, read from the pages as a browser reads them."""

from dataclasses import dataclass
from urllib.parse import urljoin

from lxml import html


@dataclass(frozen=True)
class Form:
    """A form of a page: where it goes, how, and what it holds before anyone types."""

    action: str
    method: str
    fields: dict[str, str]


def forms_of(page: str, path: str) -> list[Form]:
    return [_form(element, path) for element in html.fromstring(page).iter("form")]


def links_of(page: str, path: str) -> set[str]:
    """Return the addresses of this portal that a page leads to, without fragment."""
    targets = (urljoin(path, link) for link in html.fromstring(page).xpath("//a/@href"))
    return {target.partition("#")[0] for target in targets if target.startswith("/")}


def _form(element: html.HtmlElement, path: str) -> Form:
    named = [each for each in element.xpath(".//input|.//select|.//textarea") if each.get("name")]
    return Form(
        action=urljoin(path, element.get("action") or path),
        method=(element.get("method") or "get").upper(),
        fields={each.get("name"): each.get("value") or "" for each in named},
    )
