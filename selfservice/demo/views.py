"""The pages of the demonstration mailbox; they exist in a demonstration only."""

import re

from flask import Blueprint, Response, abort, current_app, render_template

from selfservice.demo import advisers, mailbox
from selfservice.mail import mail_folder

# A mail is no page of ours: nothing in it may run, load or stay inside the frame.
MAIL_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-top-navigation-by-user-activation allow-popups"
)

blueprint = Blueprint("demo", __name__, url_prefix="/demo")


@blueprint.get("/mails", endpoint="mails")
def mails_page() -> str:
    mails = mailbox.list_mails(mail_folder(current_app))
    return render_template("demo/mails.html", mails=mails)


@blueprint.get("/telephone")
def telephone() -> str:
    """Show the codes that the advisers' applications would show."""
    return render_template("demo/telephone.html", codes=advisers.codes())


@blueprint.get("/mails/<name>", endpoint="mail")
def mail_page(name: str) -> str:
    return render_template("demo/mail.html", mail=_mail_or_404(name))


@blueprint.get("/mails/<name>/html")
def mail_html(name: str) -> Response:
    html = _mail_or_404(name).html
    if not html:
        abort(404)
    response = Response(_aim_at_top(html), mimetype="text/html")
    response.headers["Content-Security-Policy"] = MAIL_SECURITY_POLICY
    return response


@blueprint.get("/mails/<name>/<int:place>")
def attachment(name: str, place: int) -> Response:
    attachments = _mail_or_404(name).attachments
    if place >= len(attachments):
        abort(404)
    file_name, content = attachments[place]
    response = Response(content, mimetype="application/pdf")
    response.headers.set("Content-Disposition", "inline", filename=file_name)
    return response


def _mail_or_404(name: str) -> mailbox.Mail:
    try:
        return mailbox.read_mail(mail_folder(current_app), name)
    except mailbox.UnknownMailError:
        abort(404)


def _aim_at_top(html: str) -> str:
    """Have the mail's links open in the whole window rather than in its frame."""
    base = '<base target="_top">'
    aimed, count = re.subn(r"(<head[^>]*>)", rf"\1{base}", html, count=1, flags=re.IGNORECASE)
    return aimed if count else base + html
