"""The accounts' pages: sign-in, recovery, profile, second factor."""

from flask import Flask

from selfservice.accounts import replaced
from selfservice.accounts.messages import PASSWORD_RULES
from selfservice.accounts.views import profile, recovery, second_factor, sign_in
from selfservice.accounts.views.blueprint import blueprint
from selfservice.accounts.views.visitor import init_visitors

__all__ = ["init_app"]

_MODULES = (sign_in, recovery, profile, second_factor)
_FOLLOWERS = (replaced,)  # of what becomes of a company's address


def init_app(app: Flask) -> None:
    init_visitors(app)
    app.jinja_env.globals["password_rules"] = list(PASSWORD_RULES.items())
    app.register_blueprint(blueprint)
