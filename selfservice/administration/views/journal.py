"""« Journal »."""

from flask import render_template

from selfservice.accounts.views.visitor import signed_in
from selfservice.administration import messages
from selfservice.administration.journal import read_journal
from selfservice.administration.views.blueprint import blueprint, page_id, searched


@blueprint.get("/journal")
def journal() -> str:
    chosen = searched("type")
    family = messages.FAMILIES.get(chosen)
    search = searched("utilisateur")
    before_id = page_id("avant")
    page = read_journal(
        signed_in(), events=family.events if family else (), login=search, before_id=before_id
    )
    return render_template(
        "administration/journal.html",
        page=page,
        lines=[
            messages.describe(entry, login=login, company_name=company_name)
            for entry, login, company_name in page.entries
        ],
        families=messages.FAMILIES,
        chosen=chosen if family else "",
        search=search,
        is_first_page=before_id is None,
    )
