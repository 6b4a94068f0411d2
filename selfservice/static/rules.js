// Ticks the password rule while one types; the server checks it in any case.
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
