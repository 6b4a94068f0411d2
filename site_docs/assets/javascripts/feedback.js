// Tells the portal, which only counts, whether a page helped and which searches found nothing.

const VOTES = "/avis"
const SEARCHES = "/avis/recherche"
const PAUSE_MS = 2000 // without a keystroke, a search is meant

function send(address, fields) {
  return fetch(address, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" })
}

async function vote(event) {
  event.preventDefault()
  const form = event.currentTarget
  const useful = event.submitter?.value ?? "oui"
  const page = form.elements.page.value
  const answer = await send(VOTES, { page, useful }).catch(() => null)
  const isCounted = answer?.type === "opaqueredirect"
  form.querySelector("[role=status]").textContent = isCounted
    ? "Merci de votre avis."
    : "Votre avis n’a pas pu être compté. Réessayez plus tard."
  form.querySelector("fieldset").hidden = isCounted
}

function watchSearches() {
  const box = document.querySelector(".md-search__input")
  const found = document.querySelector(".md-search-result__meta")
  const nothing = JSON.parse(document.getElementById("__config").textContent).translations["search.result.none"]
  const told = new Set()
  let pause = 0

  function tell() {
    const q = box.value.trim()
    if (q.length < 3 || told.has(q) || found.textContent.trim() !== nothing) return
    told.add(q)
    send(SEARCHES, { q }).catch(() => null)
  }

  function wait() {
    clearTimeout(pause)
    pause = setTimeout(tell, PAUSE_MS)
  }

  box.addEventListener("keyup", wait)
  if (new URLSearchParams(location.search).has("q")) wait() // typed on a page of the portal
}

document.querySelector(".vote")?.addEventListener("submit", vote)
if (document.querySelector(".md-search__input")) watchSearches()
