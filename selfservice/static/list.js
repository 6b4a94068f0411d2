// The list, quicker: without this script links and buttons do the same.
const filters = document.querySelector(".filters");
const pane = document.getElementById("document");
const title = pane.querySelector("h2");
const isWide = matchMedia("(width >= 1100px)");
const all = (selector) => [...document.querySelectorAll(selector)];

// Refresh: what changed of the page, in place.
let asked = new AbortController();
let waiting;

async function refresh() {
  clearTimeout(waiting);
  asked.abort();
  asked = new AbortController();
  const given = [...new FormData(filters)].filter(([, value]) => value);
  const url = `${filters.action}?${new URLSearchParams(given)}`;
  try {
    const answer = await fetch(url, { signal: asked.signal });
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!found.getElementById("liste")) throw new Error("not the list");
    for (const old of all("[data-live]")) {
      const fresh = found.getElementById(old.id);
      if (old.role) old.textContent = fresh.textContent; // one put in anew is not announced
      else old.replaceWith(fresh);
    }
    history.replaceState(null, "", url + location.hash);
    prepare();
  } catch (error) {
    if (error.name !== "AbortError") filters.submit();
  }
}

filters?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(refresh, 250);
});
filters?.addEventListener("submit", (event) => {
  event.preventDefault();
  refresh();
});

// Boxes: one ticks all, the button counts, a refresh keeps.
const ticks = {};

function countTicks() {
  const boxes = all("[name=id]");
  for (const box of boxes) ticks[box.value] = box.checked;
  const ticked = boxes.filter((box) => box.checked).length;
  for (const box of all(".box-of-all input")) {
    box.checked = ticked === boxes.length;
    box.indeterminate = ticked > 0 && !box.checked;
  }
  for (const count of all(".ticked")) {
    count.hidden = !ticked;
    count.textContent = ticked;
  }
}

document.addEventListener("change", ({ target }) => {
  if (target.closest(".box-of-all")) for (const box of all("[name=id]")) box.checked = target.checked;
  countTicks();
});

// Pane: a document beside the list, named by the address (#document-12).
let opener;

function open(link) {
  const id = `document-${link.pathname.match(/\d+/)}`;
  const row = document.getElementById(id); // none on another page
  const frame = document.createElement("iframe");
  frame.title = title.textContent = link.textContent;
  frame.src = `${link.href}#navpanes=0&view=FitH`;
  pane.querySelector("iframe")?.remove(); // a new frame leaves no step in the history
  pane.append(frame);
  pane.querySelector("a").href = link.href;
  pane.hidden = false;
  row?.querySelector(".new")?.remove();
  mark(id);
  row?.scrollIntoView({ block: "center" });
  opener = link;
  title.focus();
}

function close() {
  pane.querySelector("iframe").remove();
  pane.hidden = true;
  mark("");
  (opener.isConnected ? opener : filters.elements.q).focus();
}

function mark(id) {
  history.replaceState(null, "", location.pathname + location.search + (id && `#${id}`));
  for (const row of all("tbody tr")) row.ariaCurrent = row.id === id ? "true" : null;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest(".is-documents tbody .number a");
  const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !isPlain || !isWide.matches || !navigator.pdfViewerEnabled) return;
  event.preventDefault();
  open(link);
});
pane.querySelector("button").addEventListener("click", close);
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && !pane.hidden) close();
});

function prepare() {
  for (const label of all(".box-of-all")) label.hidden = false;
  for (const box of all("[name=id]")) box.checked ||= ticks[box.value];
  countTicks();
  if (!pane.hidden) mark(location.hash.slice(1));
}

prepare();
const named = document.querySelector(`tr[id="${location.hash.slice(1)}"] .number a`);
if (named && isWide.matches) open(named);
