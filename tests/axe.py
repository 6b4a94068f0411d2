"""axe-core on a page: every rule in the light, in the dark those that colours decide."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES: dict[str, dict[str, object]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {
        "resultTypes": ["violations"],
        "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    },
}


def report(page: Page, scheme: str) -> str:
    """Return what axe finds wrong with a page as it stands, empty where nothing is."""
    results = Axe().run(page, options=RULES[scheme])
    if not results.violations_count:
        return ""
    return f"{page.url} {scheme}\n{results.generate_report()}"
