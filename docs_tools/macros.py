"""What a page may call between double braces; contribuer.md tells the writers."""

import posixpath
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import Environment, StrictUndefined

from docs_tools import (
    figures,
    messages,
    operator_facts,
    pages,
    portal_facts,
    screen_words,
)
from selfservice import help


def source_of(page: Any) -> str:
    """Return the path of a page below docs_dir, under MkDocs or under Zensical."""
    source: str = page.file.src_uri if hasattr(page, "file") else page.path
    return source


def _linked(
    names: dict[str, str], render: messages.Render, link_to: messages.Render
) -> messages.Render:
    """Return what links to a question by the name that it has here."""

    def link(identifier: str) -> str:
        if identifier not in names:
            raise pages.UnknownTargetError(identifier)
        return f"[{render(names[identifier])}]({link_to(pages.FAQ)}#{identifier})"

    return link


def define_env(env: Any) -> None:
    """Register variables and macros (once a build under MkDocs, once a page under Zensical)."""
    docs_dir = Path(env.project_dir, env.conf["docs_dir"])
    template = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 (Markdown)
    captures = figures.load()
    facts = dict(env.conf["extra"]) | portal_facts.address()
    env.conf["site_name"] = facts["brand"] + (" · Exploitation" if facts["place"] else "")
    site_url = facts.get("site_url") or facts["portal_url"] + help.PREFIX.rstrip("/")
    env.conf["site_url"] = f"{site_url}/{facts['place']}"
    if facts["portal_root"]:  # no portal answers what these ask for
        env.conf["theme"]["favicon"] = "static/icon.svg"
        env.conf["extra_javascript"] = [
            script for script in env.conf["extra_javascript"] if "feedback" not in str(script)
        ]
    env.conf["extra"].update(facts)
    env.conf["extra"]["edit_uri"] = portal_facts.settings()["HELP_EDIT_URI"]
    env.variables.update(facts)
    env.variables.update(operator_facts.variables())
    env.variables.update(portal_facts.variables())
    env.variables.update(portal_facts.facts_of_supplier(facts["portal_url"]))
    env.variables["brand"] = f'<span class="nobr">{env.variables["brand"]}</span>'

    def link_to(source: str) -> str:
        if source == source_of(env.page):
            return ""
        folder = posixpath.dirname(source_of(env.page))
        return posixpath.relpath(source, folder or ".")

    def render(text: str) -> str:
        if "{" not in text:
            return text
        return template.from_string(text).render(env.variables)

    @env.macro
    def portal(path: str, text: str) -> str:
        """Return a link out of the help site, to a page of the portal."""
        return f'<a href="{facts["portal_root"]}{escape(path)}">{text}</a>'

    # A link to a question, by its full title or its short name.
    env.macro(_linked(pages.questions(docs_dir), render, link_to), "question")
    env.macro(_linked(pages.short_names(docs_dir), render, link_to), "topic")

    @env.macro
    def capture(name: str, *, is_first: bool = False) -> str:
        """Return a screenshot of captures.yml as a figure; `is_first` is on the first screen."""
        if name not in captures:
            raise figures.UnknownCaptureError(name)
        shown = captures[name]
        place = PurePosixPath(facts["place"], source_of(env.page).removeprefix(facts["place"]))
        folder = place.parent if place.stem == "index" else place.with_suffix("")
        phone_link = posixpath.relpath(shown.phone_file, folder.as_posix())
        return figures.markup(shown, link_to(shown.file), phone_link, is_first=is_first)

    index = messages.MessageIndex(docs_dir, render=render, link_to=link_to)
    env.macro(index.whole, "message_index")
    env.macro(index.table, "messages_table")
    env.macro(screen_words.screen)
    env.macro(portal_facts.password_rule)
    env.macro(portal_facts.imprint)
    env.macro(portal_facts.fact)
    env.macro(portal_facts.with_fact)
    env.macro(portal_facts.without_fact)
    env.macro(portal_facts.end_fact)
    env.macro(operator_facts.commands_table)
    env.macro(operator_facts.commands_reference)
    env.macro(operator_facts.doctor_table)
    env.macro(operator_facts.setting)
    env.macro(operator_facts.refusal)
    env.macro(operator_facts.example)

    @env.macro
    def activation_mail() -> str:
        """Return the activation mail as the portal sends it for this supplier."""
        return portal_facts.activation_mail(
            portal_url=facts["portal_url"], portal=facts["portal_root"]
        )
