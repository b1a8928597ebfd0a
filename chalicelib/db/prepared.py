"""Prepared statements: what each batch runs is read and planned once a connection, in one round trip, not three."""

from __future__ import annotations

from typing import Any

from pg8000.native import PreparedStatement
from sqlalchemy import Engine, TextClause, event, text


def prepared(sql: str) -> TextClause:
    """A statement to be prepared on each connection that runs it; parameters are `:name`.

    Behind RDS Proxy it pins the session to its client: the drain, which holds its connections anyhow, may do that.
    """
    return text(sql).execution_options(prepared=True)


def prepare_statements(engine: Engine) -> None:
    """Have `engine` run statements made by `prepared` so; SQLAlchemy itself has no way to ask pg8000 for it."""
    event.listen(engine, "do_execute", _execute)


def _execute(cursor: Any, _sql: str, _parameters: Any, context: Any) -> bool | None:
    if not context.execution_options.get("prepared"):
        return None
    driver = cursor._c
    if not driver._in_transaction and not driver.autocommit:
        driver.execute_simple("begin transaction")  # as its cursor does
    known: dict[str, PreparedStatement] = context.root_connection.info.setdefault("prepared", {})
    sql = context.invoked_statement.text
    if sql not in known:
        known[sql] = PreparedStatement(driver, sql)
    rows = known[sql].run(**context.compiled_parameters[0])
    cursor._context = known[sql]._context
    cursor._row_iter = iter(rows) if rows is not None else None
    return True
