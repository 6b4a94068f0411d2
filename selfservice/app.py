"""create_app(): a plain Flask, its extensions and its blueprints."""

from flask import Flask
from flask_mail import Mail

from selfservice import clock, config, db, help, web
from selfservice.accounts import views as accounts_views
from selfservice.administration import views as administration_views
from selfservice.advisers import views as advisers_views
from selfservice.demo import views as demo_views
from selfservice.feedback import views as feedback_views
from selfservice.invoices import views as invoices_views
from selfservice.notifications import views as notifications_views
from selfservice.operations import views as operations_views
from selfservice.queue import queue
from selfservice.requests import views as requests_views
from selfservice.suppliers import identity
from selfservice.suppliers import views as suppliers_views


def create_app() -> Flask:
    """Build the portal of the instance folder; opens no connection.

    Raises config.ConfigurationError for a wrong setting, and where `selfservice init` has not
    made the secret key yet.
    """
    settings = config.load(config.instance_path())
    if not settings["SECRET_KEY"]:
        raise config.ConfigurationError("pas de clé secrète : lancez d'abord « selfservice init »")
    app = Flask(
        __name__,
        instance_path=str(settings["INSTANCE"]),
        template_folder=str(config.REPOSITORY / "templates"),
    )
    app.config.from_mapping(settings)
    if settings["DEMO"]:
        _freeze_clock()
    db.configure(settings["DATABASE_URL"])
    queue.configure(settings["QUEUE_URL"])
    Mail(app)
    web.init_app(app, is_supplier_host=identity.is_hostname)
    help.init_app(app, facts_of_host=suppliers_views.facts_of_host)
    accounts_views.init_app(app)
    app.register_blueprint(suppliers_views.blueprint)
    app.register_blueprint(suppliers_views.pages)
    app.register_blueprint(feedback_views.blueprint)
    app.register_blueprint(invoices_views.blueprint)
    app.register_blueprint(notifications_views.blueprint)
    app.register_blueprint(requests_views.blueprint)
    app.register_blueprint(administration_views.blueprint)
    app.register_blueprint(advisers_views.blueprint)
    app.register_blueprint(operations_views.blueprint)
    app.jinja_env.globals["portal_name"] = settings["PORTAL_NAME"]
    app.jinja_env.globals["is_demo"] = settings["DEMO"]
    if settings["DEMO"]:
        app.register_blueprint(demo_views.blueprint)
    web.wrap(app)
    return app


def _freeze_clock() -> None:
    try:
        clock.freeze_from_environment()
    except ValueError as error:
        raise config.ConfigurationError(f"SELFSERVICE_CLOCK : {error}") from error
