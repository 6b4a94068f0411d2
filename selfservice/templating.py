"""How templates are read and written, and the French forms of dates they use."""

import re
import secrets
from collections.abc import Callable, MutableMapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from babel.dates import format_date
from flask import Flask
from flask.sansio.app import App
from flask.templating import Environment
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension
from jinja2.runtime import Macro
from markupsafe import Markup, escape

from selfservice import clock
from selfservice.money import format_amount

INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
MAX_WRITTEN = 100
MAX_PADDING = 64
SPECIAL = re.compile("[&<>'\"]")


class PageWriter(CodeGenerator):
    """Has a template write a text by `PageEnvironment.text` where Jinja calls `escape`."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.text(")


class PageEnvironment(Environment):
    """Flask's environment, quicker with the texts of which a page is full."""

    code_generator_class = PageWriter

    def __init__(self, app: App, **options: Any) -> None:
        super().__init__(app, **options)
        self._written: dict[Macro, Callable[..., str]] = {}
        self.globals["once"] = self.once

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Give templates the one dictionary of names, copied quicker than a chain of them."""
        return super().make_globals(d) if d else self.globals

    def once(self, macro: Macro) -> Callable[..., str]:
        """Return a macro that writes once, for the same arguments, what everybody is shown.

        An imported macro sees its arguments alone, so that it can say nothing of a visitor who
        is not in them: none of these may be a person's, and it may call no csrf_token.
        """
        if macro not in self._written:
            self._written[macro] = lru_cache(maxsize=MAX_WRITTEN, typed=True)(macro)
        return self._written[macro]

    @staticmethod
    def text(value: Any) -> str:
        """Return a value as HTML; `escape`, a seventh of the time, is for those that need it."""
        kind = type(value)
        if kind is Markup:
            text: str = value
            return text
        if kind is int:
            return str(value)
        if kind is str and not SPECIAL.search(value):
            return str(value)
        return escape(value)


class Unindented(Extension):
    """Leaves out what indents the templates of pages, a third of their weight."""

    def preprocess(self, source: str, name: str | None, _filename: str | None = None) -> str:
        return source if (name or "").startswith("mails/") else INDENT.sub("", source)


def init_app(app: Flask) -> None:
    app.jinja_env.add_extension(Unindented)
    app.jinja_env.filters.update(
        amount=format_amount, day=format_day, long_day=format_long_day, instant=format_instant
    )
    app.jinja_env.globals["padding"] = padding
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def padding() -> str:
    """Return up to MAX_PADDING random bytes as text.

    A proxy may compress pages: without this the size of one would tell whether a word that a
    visitor has put into it is also in a secret beside it (BREACH; « Heal the Breach », 2022).
    """
    return secrets.token_hex(secrets.randbelow(MAX_PADDING + 1))


@lru_cache(maxsize=4096)
def format_day(day: date | None) -> str:
    """Return « 21/11/2026 », a dash for none."""
    return f"{day:%d/%m/%Y}" if day else "—"


@lru_cache(maxsize=4096)
def format_long_day(day: date) -> str:
    """Return « 21 novembre 2026 », « 1er novembre 2026 »."""
    text = format_date(day, "d MMMM y", locale="fr")
    return f"1er{text[1:]}" if day.day == 1 else text


@lru_cache(maxsize=4096)
def format_instant(instant: datetime | None) -> str:
    """Return a UTC instant as Paris time, « 08-12-2022 15:14 » (FAQ 13)."""
    return f"{clock.paris(instant):%d-%m-%Y %H:%M}" if instant else ""
