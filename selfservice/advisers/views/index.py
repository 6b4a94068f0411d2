"""`/conseil`: one field that finds a customer."""

from flask import render_template

from selfservice.advisers.views.blueprint import blueprint


@blueprint.get("")
def index() -> str:
    return render_template("advisers/index.html")
