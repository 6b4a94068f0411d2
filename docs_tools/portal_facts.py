"""What the help site repeats of the portal: durations, labels, the password rule, the example mail.

Everything is read from the portal itself, so that the two cannot disagree.
"""

import functools
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from selfservice import config
from selfservice.accounts import messages
from selfservice.accounts.models import DEFAULT_DISPLAY_HISTORY_MONTHS, DISPLAY_HISTORY_CHOICES
from selfservice.help import help_url
from selfservice.invoices.queries import LEAVING_DAYS
from selfservice.retention.records import DEAD_LINK_DAYS, FEEDBACK_MONTHS, MAIL_TEXT_DAYS

EXAMPLE_LOGIN = "pierre.durand_1"  # FAQ 4


class UnknownFactError(Exception):
    """help.toml says what no page asks for."""


@functools.cache
def settings() -> dict[str, Any]:
    """Return the settings of the instance that the site is built for."""
    return config.load(config.instance_path())


def in_months(months: int) -> str:
    return f"{months} mois"


def in_years(months: int) -> str:
    """Return « 2 ans » for 24 months, « 30 mois » where the years are not whole."""
    years, rest = divmod(months, 12)
    if rest or not years:
        return in_months(months)
    return f"{years} an{'s' if years > 1 else ''}"


def in_hours(minutes: int) -> str:
    """Return « 2 heures » for 120 minutes, « 90 minutes » where the hours are not whole."""
    hours, rest = divmod(minutes, 60)
    if rest or not hours:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{hours} heure{'s' if hours > 1 else ''}"


def in_words(parts: list[str], link: str) -> str:
    """Return « 3 mois, 6 mois, 1 an ou 2 ans »."""
    return f"{', '.join(parts[:-1])} {link} {parts[-1]}"


def variables() -> dict[str, str]:
    """Return what a page may write between double braces, beside `extra:` of mkdocs.yml."""
    histories = list(DISPLAY_HISTORY_CHOICES.values())
    return {
        "retention": in_months(settings()["RETENTION_MONTHS"]),
        "retention_in_years": in_years(settings()["RETENTION_MONTHS"]),
        "recovery_link_life": in_hours(settings()["RECOVERY_LINK_MINUTES"]),
        "download_link_life": f"{settings()['DOWNLOAD_LINK_DAYS']} jours",
        "audit_life": in_months(settings()["AUDIT_MONTHS"]),
        "mail_text_life": f"{MAIL_TEXT_DAYS} jours",
        "dead_link_life": f"{DEAD_LINK_DAYS} jours",
        "feedback_life": in_months(FEEDBACK_MONTHS),
        "leaving_days": str(LEAVING_DAYS),
        "archive_documents": str(settings()["ARCHIVE_MAX_DOCUMENTS"]),
        "session_life": in_hours(settings()["SESSION_HOURS"] * 60),
        "mail_sender": settings()["MAIL_DEFAULT_SENDER"],
        "recovery_mail_subject": recovery_mail_subject(),
        "default_history": DISPLAY_HISTORY_CHOICES[DEFAULT_DISPLAY_HISTORY_MONTHS],
        "default_history_count": str(DEFAULT_DISPLAY_HISTORY_MONTHS),
        "longest_history": histories[-1],
        "histories": in_words(histories, "ou"),
    }


def facts_of_supplier(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return `extra:` of mkdocs.yml as the instance has it: its settings, then its help.toml.

    Raises UnknownFactError for a name that no page knows, or a value that is no text.
    """
    path = config.instance_path() / config.HELP_FACTS
    given = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    for name, value in given.items():
        if name not in defaults or not isinstance(value, str):
            raise UnknownFactError(f"{path} : {name} n'est pas un fait de l'aide, ou pas un texte")
    public_url = settings()["PUBLIC_URL"]
    is_public = urlsplit(public_url).hostname not in config.LOOPBACK
    own = {"brand": settings()["PORTAL_NAME"]} | ({"portal_url": public_url} if is_public else {})
    return dict(defaults) | own | given


def recovery_mail_subject() -> str:
    return _mails().get_template("recovery/subject.txt").render().strip()


def password_rule() -> str:
    """Return the rule of the password as Markdown: what it needs, then what is refused."""
    length, *needed = messages.PASSWORD_RULES.values()
    refused = "\n".join(
        f"- « {messages.PASSWORD_FAULTS[name]} »" for name in ("common", "login", "name")
    )
    return (
        f"Le mot de passe doit contenir **{length}** dont {in_words(needed, 'et')}.\n\n"
        "Pour votre sécurité, le portail refuse aussi ce qui se devine trop facilement ; "
        f"il affiche alors l'un de ces messages :\n\n{refused}"
    )


def activation_mail(*, portal_url: str, supplier: str, opened_on: date) -> str:
    """Return the activation mail as Markdown, its login highlighted, its addresses as links."""
    subject, body = (
        _mails()
        .get_template(f"activation/{part}.txt")
        .render(
            login=EXAMPLE_LOGIN,
            supplier_name=supplier,
            portal_url=portal_url,
            recovery_url=f"{portal_url}/recuperation",
            faq_url=portal_url + help_url("faq"),
            opened_on=opened_on,
            retention_months=settings()["RETENTION_MONTHS"],
            contact="",
            signature=f"L’équipe {supplier}",
            company_name="Durand Transports",
            client_number="100245",
        )
        for part in ("subject", "body")
    )
    body = body.replace(f"    {EXAMPLE_LOGIN}", f"==**{EXAMPLE_LOGIN}**==")
    body = re.sub(r"(?<=\S)\n(?=\S)", "  \n", body.strip())
    body = re.sub(rf"{re.escape(portal_url)}([\w/-]*)", _link_within, body)
    return f'<div class="mail" markdown>\n\n**Objet : {subject.strip()}**\n\n{body}\n\n</div>'


def _link_within(address: re.Match[str]) -> str:
    return f'<a href="{address[1] or "/"}">{address[0]}</a>'


def _mails() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(config.REPOSITORY / "templates" / "mails"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (plain text)
    )
    environment.globals["portal_name"] = settings()["PORTAL_NAME"]
    return environment
