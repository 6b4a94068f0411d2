// What makes the portal's pages easier; each works without it. One file: one request.

// Passwords, easier to type: the rule ticks itself, « Afficher » shows them, a manager knows the login.
// The server checks the rule in any case.
const tests = {
  short: (text, rule) => [...text].length >= Number.parseInt(rule.match(/\d+/), 10),
  upper: (text) => /\p{Lu}/u.test(text),
  digit: (text) => /\p{Nd}/u.test(text),
  special: (text) => /[^\p{L}\p{N}]/u.test(text),
};

for (const list of document.querySelectorAll("[data-rules-of]")) {
  const input = document.getElementById(list.dataset.rulesOf);
  input.addEventListener("input", () => {
    for (const item of list.children) {
      const isMet = tests[item.dataset.rule]?.(input.value, item.textContent) ?? false;
      item.classList.toggle("is-met", isMet);
    }
  });
}

for (const input of document.querySelectorAll("input[type=password]")) {
  const button = document.createElement("button");
  const box = document.createElement("div");
  const show = (isShown) => {
    input.type = isShown ? "text" : "password";
    button.textContent = isShown ? "Masquer" : "Afficher";
    button.setAttribute("aria-pressed", isShown); // Firefox 115 knows no ariaPressed
  };
  button.type = "button";
  button.className = "show";
  box.className = "shown";
  button.setAttribute("aria-controls", input.id);
  input.replaceWith(box);
  box.append(input, button);
  button.addEventListener("click", () => show(input.type === "password"));
  input.form?.addEventListener("submit", () => show(false)); // browsers keep what text fields held
  show(false);
}

// Of several logins, the chosen one is the one that a password manager is to remember.
const username = document.querySelector("input[autocomplete=username][readonly]");
document.addEventListener("change", ({ target }) => {
  if (username && target.dataset.login) username.value = target.dataset.login;
});

// « Mon compte » and the companies close as a menu does: by Escape, and by what is done outside.
for (const account of document.querySelectorAll(".account")) {
  const summary = account.querySelector("summary");

  addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !account.open) return;
    if (account.contains(document.activeElement)) summary.focus();
    account.open = false;
  });
  for (const type of ["click", "focusin"]) {
    addEventListener(type, ({ target }) => {
      if (!account.contains(target)) account.open = false;
    });
  }
}

// « Menu » is a popover; browsers of 2023 know none.
const menu = document.getElementById("menu");
if (menu && !("popover" in menu)) {
  const buttons = document.querySelectorAll("[popovertarget]");
  const show = (isOpen) => {
    menu.classList.toggle("is-open", isOpen);
    buttons[0].setAttribute("aria-expanded", isOpen);
  };
  for (const each of [menu, ...buttons]) each.classList.add("is-scripted");
  addEventListener("keydown", ({ key }) => key === "Escape" && show(false));
  addEventListener("click", ({ target }) => {
    if ([...buttons].includes(target)) show(!menu.classList.contains("is-open"));
    else if (!menu.contains(target)) show(false);
  });
  show(false);
}

// The list, quicker: without this script links and buttons do the same.
const pane = document.getElementById("document");
if (pane) {
  const filters = document.querySelector(".filters");
  const title = pane.querySelector("h2");
  const isWide = matchMedia("(min-width: 1100px)");
  const all = (selector) => [...document.querySelectorAll(selector)];

  // Refresh: what changed of the page, in place.
  const { reader } = document.getElementById("liste").dataset;
  let asked = new AbortController();
  let waiting;

  async function refresh(isSamePage = false) {
    clearTimeout(waiting);
    asked.abort();
    asked = new AbortController();
    const given = [...new FormData(filters)].filter(([, value]) => value);
    const after = new URLSearchParams(location.search).get("apres");
    if (isSamePage && after) given.push(["apres", after]);
    const url = `${filters.action}?${new URLSearchParams(given)}`;
    try {
      const answer = await fetch(url, { signal: asked.signal });
      if (answer.redirected) return filters.submit(); // the session has ended, elsewhere perhaps
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      const list = found.getElementById("liste");
      if (!list) throw new Error("not the list");
      // Another login has signed in from another tab: this page still names the company of the former.
      if (list.dataset.reader !== reader) return location.assign(filters.action);
      for (const old of all("[data-live]")) {
        const fresh = found.getElementById(old.id);
        if (!fresh) old.remove();
        else if (old.getAttribute("role")) old.textContent = fresh.textContent; // a new one is not announced
        else old.replaceWith(fresh);
      }
      history.replaceState(null, "", url + location.hash);
      prepare();
    } catch (error) {
      if (error.name !== "AbortError" && !isSamePage) filters.submit();
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

  // What was opened or taken meanwhile shows on return.
  document.addEventListener("visibilitychange", () => {
    if (filters && !document.hidden) refresh(true);
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (filters && persisted) refresh(true);
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
    document.body.classList.add("has-pane");
    row?.querySelector(".new")?.remove();
    mark(id);
    row?.scrollIntoView({ block: "center" });
    opener = link;
    title.focus();
  }

  function close() {
    pane.querySelector("iframe").remove();
    pane.hidden = true;
    document.body.classList.remove("has-pane");
    mark("");
    (opener.isConnected ? opener : filters.elements.q).focus();
  }

  function mark(id) {
    history.replaceState(null, "", location.pathname + location.search + (id && `#${id}`));
    for (const row of all("tbody tr")) {
      if (row.id === id) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
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
    document.dispatchEvent(new Event("rows"));
    if (!pane.hidden) mark(location.hash.slice(1));
  }

  prepare();
  const row = document.getElementById(location.hash.slice(1));
  const named = row?.matches("tbody tr") && row.querySelector(".number a");
  if (named && isWide.matches) open(named);

  // Boxes: one ticks all, the bar counts, a refresh and another page keep them.
  const selection = document.getElementById("selection");
  const bar = document.getElementById("garder");
  const said = document.getElementById("annonce");
  const kept = `coches-${reader}`;
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
    for (const box of boxes) {
      box.checked = ticked.has(box.value);
      box.closest("tr").classList.toggle("is-ticked", box.checked);
    }
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
}
