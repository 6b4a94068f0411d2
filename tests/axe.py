"""axe-core on a page in both colour schemes, injected once a page."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

# A scheme changes colours and nothing else: what is dark is held against their rules only.
OF_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
SCHEMES: dict[str, dict[str, Any]] = {"light": {}, "dark": OF_COLOURS}
RUN = "options => axe.run(document, { ...options, resultTypes: ['violations'] })"


def violations(page: Page, scheme: str) -> str:
    """Return what the page as it stands violates, nothing where all is well."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = AxeResults(page.evaluate(RUN, SCHEMES[scheme]))
    return f"{page.url} {scheme}\n{found.generate_report()}" if found.violations_count else ""
