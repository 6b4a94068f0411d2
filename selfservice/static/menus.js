// « Mon compte » closes as a menu does: by Escape, and by what is done outside of it.
{
  const account = document.querySelector(".account");
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
