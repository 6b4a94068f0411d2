"""Templates: what they escape, and what of them is written once for everybody."""

from collections.abc import Iterator

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import nodes
from markupsafe import Markup, escape

from selfservice.templating import PageEnvironment
from tests.conftest import Browser, People
from tests.factories import make_invoice

OF_EVERYBODY = {"url_for", "help_url", "is_demo"}
words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(st.one_of(words, st.integers(), st.none(), st.booleans(), st.floats(), words.map(Markup)))
def test_a_text_is_escaped_as_by_markupsafe(value: object) -> None:
    assert PageEnvironment.text(value) == escape(value)
    assert PageEnvironment.text(str(value)) == escape(str(value))


def test_every_page_escapes_what_it_writes(app: Flask) -> None:
    page = app.jinja_env.from_string("{{ a }}{{ b|upper }}{% set c %}{{ a }}{% endset %}{{ c }}")
    assert page.render(a="<i>", b="<&>") == "&lt;i&gt;&lt;&amp;&gt;&lt;i&gt;"


def test_what_is_written_once_can_name_nobody(app: Flask) -> None:
    found = list(_macros_written_once(app))
    assert {macro.name for macro in found} >= {"footer", "menu"}
    for macro in found:
        own = {argument.name for argument in macro.args}
        assert _names_of(app, macro.body) - own <= OF_EVERYBODY, macro.name


def _macros_written_once(app: Flask) -> Iterator[nodes.Macro]:
    """Return the macros that templates give to `once`, each as it stands where it is written."""
    pages = {name: _parse(app, name) for name in app.jinja_env.list_templates()}
    macros = {
        (name, macro.name): macro
        for name, page in pages.items()
        for macro in page.find_all(nodes.Macro)
    }
    for name, page in pages.items():
        sources = {
            each: source.template.value
            for source in page.find_all(nodes.FromImport)
            for each in source.names
        }
        for call in page.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "once":
                (macro,) = call.args
                yield macros[sources.get(macro.name, name), macro.name]


def _parse(app: Flask, name: str) -> nodes.Template:
    source, _, _ = app.jinja_env.loader.get_source(app.jinja_env, name)
    return app.jinja_env.parse(source)


def _names_of(app: Flask, body: list[nodes.Node]) -> set[str]:
    """Return the names that a part of a template takes from elsewhere."""
    part = nodes.Template(body, lineno=1)
    names = list(part.find_all(nodes.Name))
    loaded = {each.name for each in names if each.ctx == "load"}
    for included in part.find_all(nodes.Include):
        loaded |= _names_of(app, _parse(app, included.template.value).body)
    return loaded - {each.name for each in names if each.ctx != "load"}


def test_it_is_written_once_for_each_arguments(app: Flask) -> None:
    module = app.jinja_env.from_string(
        "{% macro told(a) %}<{{ a }}>{{ written.append(a) or '' }}{% endmacro %}",
        globals={"written": (written := [])},
    ).module
    once = app.jinja_env.once(module.told)
    assert [once(each) for each in ("<", "<", 1, True)] == ["<&lt;>", "<&lt;>", "<1>", "<True>"]
    assert written == ["<", 1, True]
    assert isinstance(once("<"), Markup)


def test_a_page_leaves_no_name_to_the_next(
    app: Flask, alice: Browser, charlie: Browser, people: People
) -> None:
    make_invoice(people.alice.company)
    names = dict(app.jinja_env.globals)
    for each in (alice, charlie):
        assert each.get("/factures").status_code == 200
    assert app.jinja_env.globals == names
