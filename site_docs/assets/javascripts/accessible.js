// What Material leaves out: a name for the search dialog, tables that scroll under the keyboard,
// words of the glossary in the order of the Tab key, which shows their meaning, and where to go on
// from a search that found nothing.

const ATTRIBUTES = { tabindex: "0", role: "group", "aria-label": "Tableau à faire défiler" }

function reachTables() {
  const frames = [...document.querySelectorAll(".md-typeset__scrollwrap")]
  // All are measured before one changes: the page is laid out once.
  const scrolling = frames.filter((frame) => frame.scrollWidth > frame.clientWidth)
  for (const frame of frames) {
    for (const [name, value] of Object.entries(ATTRIBUTES)) {
      if (scrolling.includes(frame)) frame.setAttribute(name, value)
      else frame.removeAttribute(name)
    }
  }
}

function leadOn(meta, answers) {
  const { translations } = JSON.parse(document.getElementById("__config").textContent)
  const nothing = translations["search.result.none"]
  new MutationObserver(() => {
    if (meta.textContent.trim() === nothing) meta.after(answers)
    else answers.remove()
  }).observe(meta, { childList: true, characterData: true, subtree: true })
}

for (const word of document.querySelectorAll("abbr")) {
  if (!word.closest("a")) word.tabIndex = 0
}
document.querySelector(".md-search")?.setAttribute("aria-label", "Recherche")
window.addEventListener("load", reachTables)
window.addEventListener("resize", reachTables)

const meta = document.querySelector(".md-search-result__meta")
const answers = document.getElementById("nothing-found")?.content.firstElementChild
if (meta && answers) leadOn(meta, answers)
