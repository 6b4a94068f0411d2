// Boxes of the list: one ticks all, the button counts, a refresh and another page keep them.
const selection = document.getElementById("selection");
const bar = document.getElementById("garder");
const said = document.getElementById("annonce");
const kept = `coches-${selection?.dataset.reader}`;
const ticked = new Set(JSON.parse(sessionStorage.getItem(kept) ?? "[]"));

function countTicks() {
  for (const box of all("[name=id]:not([type=hidden])")) {
    if (box.checked) ticked.add(box.value);
    else ticked.delete(box.value);
  }
  showTicks();
}

function showTicks() {
  const boxes = all("[name=id]:not([type=hidden])");
  for (const box of boxes) box.checked = ticked.has(box.value);
  const here = boxes.filter((box) => box.checked).length;
  for (const label of all(".box-of-all")) label.hidden = false;
  for (const box of all(".box-of-all input")) {
    box.checked = here > 0 && here === boxes.length;
    box.indeterminate = here > 0 && !box.checked;
  }
  if (!bar) return;
  bar.hidden = !ticked.size;
  document.body.classList.toggle("is-ticking", ticked.size > 0);
  const count = bar.querySelector(".ticked");
  count.hidden = false;
  count.textContent = ticked.size;
  sessionStorage.setItem(kept, JSON.stringify([...ticked]));
}

document.addEventListener("change", ({ target }) => {
  if (!target.closest(".box")) return;
  if (target.closest(".box-of-all")) for (const box of all("[name=id]")) box.checked = target.checked;
  countTicks();
});
selection?.addEventListener("reset", () => {
  ticked.clear();
  setTimeout(showTicks);
});
selection?.addEventListener("submit", () => {
  for (const old of all("#selection [name=id][type=hidden]")) old.remove();
  const here = new Set(all("[name=id]").map((box) => box.value));
  for (const value of ticked) {
    if (here.has(value)) continue; // its own box sends it
    const input = Object.assign(document.createElement("input"), { type: "hidden", name: "id", value });
    selection.append(input);
  }
  announce(ticked.size);
});
document.addEventListener("click", ({ target }) => {
  const link = target.closest(".take .all");
  if (link) announce(link.textContent.match(/[0-9]+/)?.[0] ?? 0);
});

let silence;

// The browser tells nobody when a download ends: the rows are read again a moment later.
function announce(count) {
  const documents = count > 1 ? `\u00a0: ${count} documents` : count ? "\u00a0: 1 document" : "";
  said.textContent = `Archive demandée${documents}`;
  clearTimeout(silence);
  silence = setTimeout(() => {
    said.textContent = "";
  }, 8000);
  setTimeout(() => {
    ticked.clear();
    showTicks();
    refresh(true);
  }, 2000);
}

document.addEventListener("rows", showTicks);
for (const button of all("#garder [type=reset]")) button.hidden = false;
showTicks();
