"""The places that a page of the help leaves for the facts of a supplier, and how they are filled.

`<span data-fact="name">votre fournisseur</span>` gives way to a fact, or keeps its own words.
`<section data-if="opening" hidden>` stays where the fact is known, its fellow with `data-unless`
where it is not; no section holds another. In the search index, a word `"@name"` is a fact, PORTAL
within a text the portal's address. The address that a page or the sitemap gives of itself takes the
portal's host. A page read without the portal has neutral words everywhere.
"""

import json
import re
from collections.abc import Mapping

from markupsafe import escape

FACTS = (
    "name",
    "signature",
    "opening",
    "opened_on",
    "platform_since",
    "former_portal",
    "former_closed",
    "former_prefixes",
    "contact",
    "portal_url",
)
VALUE = re.compile(r'<span data-fact="(\w+)">(.*?)</span>', re.DOTALL)
SECTION = re.compile(r'<section data-(if|unless)="(\w+)"[^>]*>(.*?)</section>', re.DOTALL)
ADDRESS = re.compile(r'(<link rel="canonical" href="|<loc>)https?://[^/"<]+')
WORD = re.compile(r'"@(\w+)"')
PORTAL = "@portal_url@"


def has_places(text: str) -> bool:
    """Tell whether what a built page says changes with the supplier."""
    return bool(VALUE.search(text) or SECTION.search(text))


def fill(text: str, facts: Mapping[str, str]) -> str:
    """Return a built page, or a search index, with these facts; the others leave no trace.

    A fact is plain text, or Markup where it holds a link.
    """

    def section(found: re.Match[str]) -> str:
        condition, name, content = found.groups()
        return content if (name in facts) == (condition == "if") else ""

    def value(found: re.Match[str]) -> str:
        return str(escape(facts[found[1]])) if found[1] in facts else found[2]

    def word(found: re.Match[str]) -> str:
        # The search shows a word as Markup, like all of its index.
        return json.dumps(escape(facts.get(found[1], "")), ensure_ascii=False)

    if text.startswith("{"):
        portal_url = json.dumps(escape(facts.get("portal_url", "")), ensure_ascii=False)
        return WORD.sub(word, text).replace(PORTAL, portal_url[1:-1])
    text = VALUE.sub(value, SECTION.sub(section, text))
    if "portal_url" in facts:
        text = ADDRESS.sub(rf"\g<1>{escape(facts['portal_url'])}", text)
    return text
