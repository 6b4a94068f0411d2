"""What the help site sends to the portal. Its static pages can hold no form token."""

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from selfservice import help, ratelimit, submissions
from selfservice.feedback import counting

ANSWERS = {"oui": True, "non": False}

blueprint = Blueprint("feedback", __name__, url_prefix="/avis")
submissions.exempt(blueprint)


@blueprint.before_request
def admit() -> None:
    """Refuse what another site sends, and more than the limits allow."""
    if request.method == "POST":
        if submissions.origin_site() != "ours":
            abort(400)
        ratelimit.hit_from("feedback_ip", request.remote_addr or "")


@blueprint.post("")
def vote() -> Response:
    page, answer = request.form.get("page", ""), request.form.get("useful", "")
    if not help.is_page(page) or answer not in ANSWERS:
        abort(400)
    ratelimit.hit("feedback_all")  # of everybody: what is kept, not what is refused
    question = request.form.get("question", "")
    is_of_faq = page == help.FAQ and question in help.FAQ_KEYS
    place = help.PAGES[question] if is_of_faq else page
    counting.count_vote(place, is_useful=ANSWERS[answer])
    return redirect(url_for("feedback.thanks", page=page), 303)  # type: ignore[return-value]


@blueprint.get("")
def thanks() -> str:
    page = request.args.get("page", "")
    back = help.PREFIX + (page if help.is_page(page) else "")
    return render_template("feedback/thanks.html", back=back)


@blueprint.post("/recherche")
def missed_search() -> Response:
    ratelimit.hit("feedback_all")
    counting.count_missed_search(request.form.get("q", ""))
    return Response(status=204)
