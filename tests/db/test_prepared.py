"""Prepared statements behave as any statement does, and are prepared once a connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from chalicelib.db.engine import make_engine
from chalicelib.db.faults import sqlstate
from chalicelib.db.prepared import prepared

DIVIDE = prepared("select 10 / cast(:by as integer) as result, cast(:name as text) as name")
NAMES = text("select statement from pg_prepared_statements")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """One connection."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def divided(engine: Engine, by: Any, name: str | None = None) -> tuple[int, str | None]:
    """A row of the prepared statement."""
    with engine.begin() as connection:
        row = connection.execute(DIVIDE, {"by": by, "name": name}).one()
    return row.result, row.name


def test_a_statement_is_prepared_once_a_connection(engine: Engine) -> None:
    """However often it runs, and in however many transactions."""
    assert [divided(engine, by)[0] for by in (1, 2, 5)] == [10, 5, 2]
    with engine.connect() as connection:
        assert len(connection.scalars(NAMES).all()) == 1


@pytest.mark.parametrize("name", ["it's", "a%s b :by $1", "\\", "\u2603 \U0001f600", "", None])
def test_a_parameter_is_a_value_and_never_sql(engine: Engine, name: str | None) -> None:
    """It goes beside the statement, not into it."""
    assert divided(engine, 3, name) == (3, name)


def test_an_error_is_sqlalchemys_and_the_statement_stays_good(engine: Engine) -> None:
    """Its SQLSTATE tells whose fault it is; the transaction is rolled back, the statement is there for the next one."""
    with pytest.raises(DBAPIError) as error:
        divided(engine, 0)
    assert sqlstate(error.value) == "22012"
    assert divided(engine, 2) == (5, None)


def test_a_statement_without_rows_can_be_prepared(engine: Engine) -> None:
    """An insert, say."""
    with engine.begin() as connection:
        connection.execute(text("create temporary table pairs (a integer, b text)"))
        insert = prepared("insert into pairs values (:a, :b)")
        for a in (1, 2):
            assert connection.execute(insert, {"a": a, "b": "x"}).rowcount == 1
        assert connection.scalar(text("select count(*) from pairs")) == 2


def test_it_begins_the_transaction_if_it_comes_first(engine: Engine) -> None:
    """What is not committed is not kept."""
    with engine.connect() as connection:
        connection.execute(prepared("select set_config('app.tenant_ids', :it, true)"), {"it": "{}"})
        assert connection.scalar(text("select current_setting('app.tenant_ids')")) == "{}", "the same transaction"
        connection.rollback()
        assert connection.scalar(text("select current_setting('app.tenant_ids', true)")) in {"", None}


def test_a_new_connection_prepares_anew(engine: Engine, owner_engine: Engine) -> None:
    """The server ended the old one, which forgot its statements."""
    assert divided(engine, 2) == (5, None)
    with engine.connect() as connection:
        pid = connection.scalar(text("select pg_backend_pid()"))
    with owner_engine.begin() as owner:
        owner.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    assert divided(engine, 5) == (2, None)
