// What Material leaves out: a name for the search dialog, tables that scroll under the keyboard,
// and words of the glossary in the order of the Tab key, which shows their meaning.

const ATTRIBUTES = { tabindex: "0", role: "group", "aria-label": "Tableau à faire défiler" }

function reachTables() {
  for (const frame of document.querySelectorAll(".md-typeset__scrollwrap")) {
    const scrolls = frame.scrollWidth > frame.clientWidth
    for (const [name, value] of Object.entries(ATTRIBUTES)) {
      if (scrolls) frame.setAttribute(name, value)
      else frame.removeAttribute(name)
    }
  }
}

for (const word of document.querySelectorAll("abbr")) {
  if (!word.closest("a")) word.tabIndex = 0
}
document.querySelector(".md-search")?.setAttribute("aria-label", "Recherche")
window.addEventListener("load", reachTables)
window.addEventListener("resize", reachTables)
