"""The reads of a page, whose SQL peewee writes once: the session, and what the list asks.

To write the SQL of a small query costs more than to run it: without this, a page of the list takes
three times as long. What is asked once in a while, or changes rows, is plain peewee.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import count
from typing import Any

from peewee import ForeignKeyField, Model, Select, Value

from selfservice.db.database import database, is_sqlite

MAX_SHAPES = 500


class Prepared:
    """A query that is written once for each shape of its values, and run with any others.

    `build` returns the query, given a placeholder for each value (a tuple is of several) and the
    keywords as they are. None stays None, so that a value that is not asked for changes the shape.
    Values reach the driver, and rows come back, as they are.
    """

    def __init__(self, *models: type[Model], build: Callable[..., Select]) -> None:
        """Prepare a query; `models`, for `first`, are those of which it selects all columns."""
        # Peewee documents `_meta`.
        self._fields = {each: each._meta.sorted_fields for each in models}  # noqa: SLF001
        self._build = build
        self._written = lru_cache(MAX_SHAPES)(self._write)

    def rows(self, *values: object, **keywords: object) -> list[tuple[Any, ...]]:
        """Return the rows found, as the driver gives them."""
        found: list[tuple[Any, ...]] = self._execute(values, keywords).fetchall()
        return found

    def first(self, *values: object) -> list[Any] | None:
        """Return an instance of each model for the first row, None where there is none.

        Foreign keys between the models lead to these instances.
        """
        row = self._execute(values, {}).fetchone()
        if row is None:
            return None
        given = iter(row)
        found = {
            model: model(**{each.name: each.python_value(next(given)) for each in fields})
            for model, fields in self._fields.items()
        }
        for model, fields in self._fields.items():
            for each in fields:
                if isinstance(each, ForeignKeyField) and each.rel_model in found:
                    setattr(found[model], each.name, found[each.rel_model])
        return list(found.values())

    def _execute(self, values: tuple[object, ...], keywords: dict[str, object]) -> Any:
        given: list[object] = []

        def take(value: object) -> bool:
            given.append(value)
            return True

        shape = _each(take, values)
        sql, parameters = self._written(is_sqlite(), shape, tuple(keywords.items()))
        return database.execute_sql(
            sql, [given[each.index] if type(each) is _Place else each for each in parameters]
        )

    def _write(self, _: bool, shape: Any, keywords: Any) -> tuple[str, list[Any]]:
        places = count()
        values = _each(lambda _: Value(_Place(next(places)), converter=False), shape)
        written: tuple[str, list[Any]] = self._build(*values, **dict(keywords)).sql()
        return written


class _Place:
    """Where a value will stand among the parameters of a written query."""

    def __init__(self, index: int) -> None:
        self.index = index


def _each(change: Callable[[Any], object], values: Any) -> Any:
    """Return a tuple, those inside it and named ones alike, with its values changed but None."""
    made = [
        _each(change, each) if isinstance(each, tuple) else each if each is None else change(each)
        for each in values
    ]
    return type(values)._make(made) if hasattr(values, "_make") else tuple(made)
