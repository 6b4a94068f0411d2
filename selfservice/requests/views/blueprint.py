"""The blueprint that the modules of views fill."""

from flask import Blueprint, Response

blueprint = Blueprint("requests", __name__)


@blueprint.after_request
def _hide_from_searches(response: Response) -> Response:
    response.headers["X-Robots-Tag"] = "noindex"
    return response
