"""The tables as SQLAlchemy knows them are the tables as they are."""

from __future__ import annotations

import pytest
from sqlalchemy import Dialect, Engine, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from chalicelib.db.tables import Composite, metadata

DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


def written(kind: TypeEngine[object]) -> str:
    """A column's type as DDL says it."""
    return kind.compile(DIALECT)


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_a_table_has_the_columns_that_the_code_reads(
    owner_engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each column, of the same type, in the code and in the database; none is missing on either side."""
    for ours in ("marking", "mark_said"):
        monkeypatch.setitem(postgresql.base.ischema_names, ours, lambda name=ours: Composite(name))
    code = {column.name: written(column.type) for column in metadata.tables[name].columns}
    database = {column["name"]: written(column["type"]) for column in inspect(owner_engine).get_columns(name)}
    assert code == database


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_a_table_has_the_key_that_the_code_takes_it_to_have(owner_engine: Engine, name: str) -> None:
    """The same columns; cursors and upserts rely on it."""
    code = [column.name for column in metadata.tables[name].primary_key]
    database = inspect(owner_engine).get_pk_constraint(name)["constrained_columns"]
    assert sorted(code) == sorted(database)


def test_the_code_knows_every_table(owner_engine: Engine) -> None:
    """Partitions are the parent's."""
    found = {name for name in inspect(owner_engine).get_table_names() if not name.startswith("student_attendance_2")}
    assert found - {"alembic_version"} == set(metadata.tables)
