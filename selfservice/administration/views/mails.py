"""« Mails »: what was mailed to own companies, and why something was not."""

from flask import current_app, render_template, request

from selfservice import mail
from selfservice.accounts.views.visitor import signed_in
from selfservice.administration import mails
from selfservice.administration.views.blueprint import blueprint
from selfservice.invoices.queries import MAX_ID
from selfservice.notifications import messages
from selfservice.suppliers.messages import NOTIFICATION_LABELS

PAGE_LENGTH = 50


@blueprint.get("/courriels", endpoint="mails")
def mails_page() -> str:
    before = request.args.get("avant", type=int)
    is_first_page = before is None or not 0 < before <= MAX_ID
    query = mails.mails_of(signed_in(), before=None if is_first_page else before)
    found = list(query.limit(PAGE_LENGTH + 1))
    return render_template(
        "administration/mails.html",
        registrations=mails.registrations_of(signed_in()),
        mails=found[:PAGE_LENGTH],
        next_key=found[PAGE_LENGTH - 1].id if len(found) > PAGE_LENGTH else None,
        is_first_page=is_first_page,
        next_attempt_at=mail.next_attempts(),
        messages=messages,
        notification_labels=NOTIFICATION_LABELS,
        sender=current_app.config["MAIL_DEFAULT_SENDER"],
    )
