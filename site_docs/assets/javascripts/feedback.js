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
  const fields = { ...Object.fromEntries(new FormData(form)), useful }
  const answer = await send(VOTES, fields).catch(() => null)
  if (form.elements.question?.value !== fields.question) return // another is asked about by now
  const isCounted = answer?.type === "opaqueredirect"
  form.querySelector("[role=status]").textContent = isCounted
    ? "Merci de votre avis."
    : "Votre avis n’a pas pu être compté. Réessayez plus tard."
  form.querySelector("fieldset").hidden = isCounted
}

// In the FAQ, who comes for a question votes on its answer, at its end; what is above does not move.
function followQuestion(form, bottom) {
  const opened = document.getElementById(location.hash.slice(1))
  const questions = [...document.querySelectorAll("article h2[id]")]
  const isBefore = (each) => each === opened || each.compareDocumentPosition(opened) & Node.DOCUMENT_POSITION_FOLLOWING
  const place = opened ? questions.findLastIndex(isBefore) : -1
  if (place < 0) return
  form.elements.question.value = questions[place].id
  form.querySelector("legend").textContent = "Cette réponse vous a-t-elle été utile\u202f?"
  form.querySelector("fieldset").hidden = false
  form.querySelector("[role=status]").textContent = ""
  ;(questions[place + 1] ?? bottom).before(form)
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

const form = document.querySelector(".vote")
form?.addEventListener("submit", vote)
if (form?.elements.question) {
  const bottom = document.createComment("")
  form.after(bottom)
  followQuestion(form, bottom)
  window.addEventListener("hashchange", () => followQuestion(form, bottom))
}
if (document.querySelector(".md-search__input")) watchSearches()
