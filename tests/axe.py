"""axe-core on a page in both colour schemes, injected once a page.

Contrast is most of its work. Of elements that look alike, with ancestors that look alike, it
measures one, the light scheme on a phone and the dark one on a desk, unless `is_whole`: `make soak`
measures them all, at each size in both schemes.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

# A scheme changes colours and nothing else: what is dark is held against their rules only.
COLOURS = {"color-contrast": "*", "link-in-text-block": "a[href]"}  # and what they look at
OF_COLOURS = {"runOnly": {"type": "rule", "values": list(COLOURS)}}
SCHEMES: dict[str, dict[str, Any]] = {"light": {}, "dark": OF_COLOURS}

sample_then_all = pytest.mark.parametrize(
    "is_whole", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["sample", "all"]
)
Size = tuple[int, int]
RUN = """async options => {
  const { violations } = await axe.run(document, { ...options, resultTypes: ["violations"] })
  return { violations }
}"""
SAMPLE = """rules => {
  const looks = new Map(), sampled = new Set(), numbers = new Map()
  for (const each of document.body.querySelectorAll("*")) {
    const style = getComputedStyle(each)
    const look = [
      numbers.get(each.parentNode), each.localName, each.className, style.color,
      style.backgroundColor, style.backgroundImage, style.fontSize, style.fontWeight,
      style.opacity, style.filter, style.mixBlendMode, style.textShadow, style.position,
    ].join(" ")
    if (!looks.has(look)) looks.set(look, looks.size)
    numbers.set(each, looks.get(look))
    const says = [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim())
    const isFirst = says && each.checkVisibility() && !sampled.has(looks.get(look))
    if (isFirst) sampled.add(looks.get(look))
    each.toggleAttribute("data-sampled", isFirst)
  }
  axe.configure({ rules: Object.entries(rules).map(
    ([id, selector]) => ({ id, selector: `${selector}[data-sampled]` })) })
}"""


def looks(sizes: Mapping[str, Size], *, is_whole: bool) -> Iterator[tuple[str, Size]]:
    """Return each scheme with each size, width and height; unless `is_whole`, with one."""
    if is_whole:
        return product(SCHEMES, sizes.values())
    return zip(SCHEMES, sizes.values(), strict=True)


def violations(page: Page, scheme: str, *, is_whole: bool = False) -> str:
    """Return what the loaded page violates as it stands, nothing where all is well."""
    page.wait_for_load_state()  # a click returns while the next page has no body yet
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    if not is_whole:
        page.evaluate(SAMPLE, COLOURS)
    found = AxeResults(page.evaluate(RUN, SCHEMES[scheme]))
    return f"{page.url} {scheme}\n{found.generate_report()}" if found.violations_count else ""
