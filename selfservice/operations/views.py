"""/sante: a word for a load balancer, every detail for a request from the host itself."""

import logging
import time
from dataclasses import asdict
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, jsonify, request

from selfservice import config, db
from selfservice.operations import health, proxies_seen, version

CACHE_SECONDS = 1.0
LOOPBACK = ("127.0.0.1", "::1")
# Any proxy adds one of these: such a request does not come from the host.
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via")

blueprint = Blueprint("operations", __name__)
log = logging.getLogger(__name__)


@blueprint.before_app_request
def _note_proxies() -> None:
    """Note what a visitor's request went through; monitors come by other ways."""
    host = urlsplit(f"//{request.host}").hostname
    if request.endpoint != "operations.answer_health" and host not in config.LOOPBACK:
        proxies_seen.note(request.headers.get("X-Forwarded-For", ""))


@blueprint.get("/sante")
def answer_health() -> tuple[Response, int]:
    return _answer(_recent())


def _answer_database_fault(error: Exception) -> tuple[Response, int]:
    """Answer in JSON where no connection can be opened, before any view."""
    log.error("out of reach: %s", error)
    db.drop()
    return _answer(health.Health("database", health.least_free_bytes()))


for _fault in db.FAULTS:
    blueprint.register_error_handler(_fault, _answer_database_fault)


def _answer(found: health.Health) -> tuple[Response, int]:
    code = 503 if found.fault else 200
    shown: dict[str, object] = {"status": "error" if found.fault else "ok"}
    if _is_on_the_host():
        told = {"version": version.full(), "demo": current_app.config["DEMO"]}
        shown |= asdict(found) | told
    return jsonify(shown), code


def _recent() -> health.Health:
    kept: tuple[float, health.Health] | None = current_app.extensions.get("health")
    if kept is None or time.monotonic() - kept[0] > CACHE_SECONDS:
        kept = (time.monotonic(), health.examine())
        current_app.extensions["health"] = kept
    return kept[1]


def _is_on_the_host() -> bool:
    return request.remote_addr in LOOPBACK and not any(
        name in request.headers for name in FORWARDED
    )
