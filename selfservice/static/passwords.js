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
    button.ariaPressed = isShown;
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
