"""Queries whose SQL peewee writes once: the reads of a page, and no more.

Writing its SQL costs more than asking a small query: without this a list costs three times as much.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count
from typing import Any

from peewee import BooleanField, DateField, DateTimeField, Field, ForeignKeyField, Model, Value

from selfservice.db.database import database, is_sqlite, read_date, read_instant

MAX_SHAPES = 500


class Prepared:
    """A query that peewee writes once for each shape: writing costs most of what is asked often.

    `build` returns a query, given a placeholder for each value (a tuple holds several) and the
    keywords as they are; None stays None, and has a shape of its own. Values reach the driver,
    and rows come back, as they are.
    """

    def __init__(self, *models: type[Model], build: Callable[..., Any]) -> None:
        self._columns = [(model, *_columns_of(model)) for model in models]
        self._build = build
        self._written: dict[tuple[Any, ...], tuple[str, list[Any]]] = {}

    def rows(self, *values: object, **keywords: object) -> list[tuple[Any, ...]]:
        """Return the rows found, as the driver gives them."""
        rows: list[tuple[Any, ...]] = self._execute(values, keywords).fetchall()
        return rows

    def first(self, *values: object) -> list[Any] | None:
        """Return an instance of each model for the first row, None where there is none.

        The query is of all their columns. Foreign keys between them are filled in.
        """
        row = self._execute(values, {}).fetchone()
        return None if row is None else self._instances(iter(row))

    def run(self, *values: object, **keywords: object) -> int:
        """Make a change and return how many rows it changed."""
        changed: int = self._execute(values, keywords).rowcount
        return changed

    def _execute(self, values: tuple[object, ...], keywords: dict[str, object]) -> Any:
        given: list[object] = []
        shape = (is_sqlite(), _flatten(values, given), *keywords.values())
        if (written := self._written.get(shape)) is None:
            if len(self._written) >= MAX_SHAPES:
                self._written.clear()
            query = self._build(*_placed(values, count()), **keywords)
            written = self._written[shape] = query.sql()
        sql, parameters = written
        return database.execute_sql(
            sql, [given[each.index] if type(each) is _Place else each for each in parameters]
        )

    def _instances(self, values: Iterator[Any]) -> list[Any]:
        found: dict[type[Model], Any] = {}
        for model, names, converted in self._columns:
            found[model] = instance = model(__no_default__=True)
            kept = instance.__data__
            kept.update(zip(names, values, strict=False))
            for name, read in converted:
                if kept[name] is not None:
                    kept[name] = read(kept[name])
        for model, instance in found.items():
            for name, target in _targets_of(model):
                if target in found:
                    instance.__rel__[name] = found[target]
        return list(found.values())


class _Place:
    """Where a value will stand among the parameters of a written query."""

    def __init__(self, index: int) -> None:
        self.index = index


def _flatten(values: tuple[Any, ...], given: list[Any]) -> tuple[Any, ...]:
    """Add to `given` the values that a query will take, and return their shape."""
    shape: list[Any] = []
    for each in values:
        if isinstance(each, tuple):
            shape.append(_flatten(each, given))
        else:
            shape.append(each is None)
            if each is not None:
                given.append(each)
    return tuple(shape)


def _placed(values: tuple[Any, ...], places: Iterator[int]) -> Any:
    """Return the values with placeholders in their places, named tuples as such."""
    made = [
        _placed(each, places)
        if isinstance(each, tuple)
        else None
        if each is None
        else Value(_Place(next(places)), converter=False)
        for each in values
    ]
    return type(values)._make(made) if hasattr(values, "_make") else tuple(made)


# Of these a driver may give something else than the field's own type.
CONVERTERS: dict[type[Field], Callable[[Any], Any]] = {
    BooleanField: bool,
    DateField: read_date,
    DateTimeField: read_instant,
}


def _columns_of(model: type[Model]) -> tuple[list[str], list[tuple[str, Callable[[Any], Any]]]]:
    """Return the names of the columns, and how to read those that need it."""
    fields = model._meta.sorted_fields  # noqa: SLF001 (peewee documents it)
    converted = [(each.name, CONVERTERS[type(each)]) for each in fields if type(each) in CONVERTERS]
    return [each.name for each in fields], converted


@lru_cache
def _targets_of(model: type[Model]) -> list[tuple[str, type[Model]]]:
    fields = model._meta.sorted_fields  # noqa: SLF001
    return [(each.name, each.rel_model) for each in fields if isinstance(each, ForeignKeyField)]
