"""The blueprint that the modules of views fill. Who is no administrator gets 404."""

from flask import Blueprint, abort, request
from flask_login import login_required

from selfservice import audit
from selfservice.accounts.views.visitor import origin, signed_in

blueprint = Blueprint("administration", __name__, url_prefix="/administration")


@blueprint.before_request
@login_required
def _only_administrators() -> None:
    user = signed_in()
    if not user.is_administrator:
        audit.record(
            "access.denied",
            company_id=user.company_id,
            user_id=user.id,
            actor=user.login,
            origin=origin(),
            path=request.path[:200],
        )
        abort(404)
