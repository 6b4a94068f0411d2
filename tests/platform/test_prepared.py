"""Queries written once and run again: right values, right types, on whatever database."""

from datetime import datetime
from typing import Any

import pytest

from selfservice import db
from selfservice.accounts.models import User
from selfservice.db import Prepared
from selfservice.suppliers.models import Company, Supplier
from tests.factories import People


def _active(login: Any) -> Any:
    joined = User.select(User, Company, Supplier).join(Company).join(Supplier)
    return joined.where(User.login == login, User.is_active)


def test_it_finds_again_with_other_values_what_peewee_finds(people: People) -> None:
    prepared = Prepared(User, Company, Supplier, build=_active)
    for each in (people.alice, people.charlie, people.alice):
        found = prepared.first(each.login)
        assert found is not None
        user, company, supplier = found
        assert user.__data__ == User.get_by_id(each.id).__data__
        assert company.__data__ == Company.get_by_id(each.company_id).__data__
        assert supplier.__data__ == Supplier.get_by_id(company.supplier_id).__data__
        assert isinstance(user.created_at, datetime)
        assert user.is_active is True


def test_foreign_keys_lead_to_the_other_models_without_a_query(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Prepared(User, Company, Supplier, build=_active).first("alice")
    assert found
    monkeypatch.setattr(db.database.obj, "execute_sql", None)
    assert found[0].company.supplier.name == people.supplier.name


def test_each_shape_of_the_values_is_written_once(people: People) -> None:
    shapes = []

    def build(login: Any, names: tuple[Any, ...], *, limit: int) -> Any:
        shapes.append((login is None, len(names), limit))
        query = User.select(User.login).order_by(User.login)
        query = query if login is None else query.where(User.login == login)
        return (query.where(User.login.in_(names)) if names else query).limit(limit)

    prepared = Prepared(build=build)
    assert prepared.rows("bob", (), limit=9) == [("bob",)]
    assert prepared.rows(None, ("alice", "bob"), limit=9) == [("alice",), ("bob",)]
    assert prepared.rows(None, ("bob", "charlie"), limit=9) == [("bob",), ("charlie",)]
    assert prepared.rows(None, ("bob", "charlie"), limit=1) == [("bob",)]
    assert prepared.rows("alice", ("bob",), limit=9) == []
    assert shapes == [(False, 0, 9), (True, 2, 9), (True, 2, 1), (False, 1, 9)]


def test_it_finds_nothing_where_there_is_nothing(people: People) -> None:
    prepared = Prepared(User, Company, Supplier, build=_active)
    assert prepared.first("nobody") is None
    assert prepared.first("alice' OR 1 = 1 --") is None
