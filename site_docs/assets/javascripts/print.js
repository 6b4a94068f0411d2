// « Imprimer » only works with script, so script shows it.

for (const button of document.querySelectorAll("button.print")) {
  button.hidden = false
  button.addEventListener("click", () => window.print())
}
