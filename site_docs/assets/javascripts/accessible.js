// What Material leaves out: a name for the search dialog, tables that scroll under the keyboard,
// and the meaning of a word for who has no mouse: a finger or the Tab key gives it the focus.

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

const MARGIN = 8
const meaning = document.createElement("div")
meaning.className = "meaning"
meaning.ariaHidden = "true" // the title is read with its word

function showMeaning() {
  const word = document.activeElement
  if (!word.matches("abbr[title]")) {
    meaning.remove()
    return
  }
  meaning.textContent = word.title
  document.body.append(meaning)
  const place = word.getBoundingClientRect()
  const { width, height } = meaning.getBoundingClientRect()
  const right = document.documentElement.clientWidth - width - MARGIN
  const below = place.bottom + MARGIN
  const isRoomBelow = below + height < window.innerHeight
  meaning.style.left = `${Math.max(MARGIN, Math.min(place.left, right))}px`
  meaning.style.top = `${isRoomBelow ? below : place.top - height - MARGIN}px`
}

for (const name of ["focusin", "focusout", "scroll"]) {
  document.addEventListener(name, showMeaning, { passive: true })
}
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && meaning.isConnected) document.activeElement.blur()
})
document.querySelector(".md-search")?.setAttribute("aria-label", "Recherche")
window.addEventListener("load", reachTables)
window.addEventListener("resize", reachTables)
