"""The roster's tables, read and written in whole sets: one statement a table, its rows as one JSON parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    Connection,
    TableValuedAlias,
    and_,
    bindparam,
    column,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from chalicelib.db.tables import attendance_settings, metadata, tenant

THINGS = ("school", "academic_session", "period", "section", "student", "staff_member", "guardian")
"""Tables of what has an id and may be inactive, in the order in which they may refer to each other."""

BELONGINGS = ("guardianship", "enrollment", "teaching")
"""Tables of pairs with a range of dates."""

CHUNK = 20_000
"""Rows a statement: Postgres bounds the size of one JSON value."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """What the roster's tables hold for a tenant: ids, dates and ranges as text, things by table and id."""

    things: dict[str, dict[str, Row]]
    ranges: dict[str, list[Row]]


def open_tenant(connection: Connection, tenant_id: str, *, name: str, title: str, timezone: str) -> bool:
    """Make the tenant, with default settings, unless it is there; return whether it is new.

    Its row is locked until the transaction ends, so that of two imports the second waits for the first.
    """
    made = insert(tenant).values(tenant_id=tenant_id, name=name, title=title).on_conflict_do_nothing()
    created = bool(connection.execute(made.returning(tenant.c.tenant_id)).all())
    if created:
        connection.execute(insert(attendance_settings).values(tenant_id=tenant_id, timezone=timezone))
    connection.execute(select(tenant.c.tenant_id).where(tenant.c.tenant_id == tenant_id).with_for_update()).one()
    return created


def read_state(connection: Connection, tenant_id: str) -> State:
    """All of a tenant's roster, active or not."""
    return State(
        {table: {row["id"]: row for row in _read(connection, table, tenant_id)} for table in THINGS},
        {table: _read(connection, table, tenant_id) for table in BELONGINGS},
    )


def write(
    connection: Connection,
    things: Mapping[str, Sequence[Row]],
    removed: Mapping[str, Sequence[Row]],
    added: Mapping[str, Sequence[Row]],
) -> None:
    """Upsert things, then take away ranges (each named by its pair and exact dates), then add ranges."""
    for table in THINGS:
        _put(connection, table, things.get(table, ()))
    for table in BELONGINGS:
        _take_away(connection, table, removed.get(table, ()))
        _add(connection, table, added.get(table, ()))


def _put(connection: Connection, table: str, rows: Sequence[Row]) -> None:
    target = metadata.tables[table]
    names = [one.name for one in target.columns]
    for chunk in _chunks(rows):
        given, parameter = _recordset(table, chunk)
        statement = insert(target).from_select(names, select(given))
        fresh = {name: statement.excluded[name] for name in names if name not in {"tenant_id", "id"}}
        statement = statement.on_conflict_do_update(index_elements=["tenant_id", "id"], set_=fresh)
        connection.execute(statement, parameter)


def _take_away(connection: Connection, table: str, rows: Sequence[Row]) -> None:
    target = metadata.tables[table]
    for chunk in _chunks(rows):
        given, parameter = _recordset(table, chunk)
        same = and_(*(one == given.c[one.name] for one in target.primary_key.columns))
        connection.execute(delete(target).where(same), parameter)


def _add(connection: Connection, table: str, rows: Sequence[Row]) -> None:
    target = metadata.tables[table]
    for chunk in _chunks(rows):
        given, parameter = _recordset(table, chunk)
        names = [one.name for one in target.columns]
        connection.execute(insert(target).from_select(names, select(given)), parameter)


def bump_revision(connection: Connection, tenant_id: str) -> None:
    """Tell caches that the tenant's roster has changed."""
    connection.execute(tenant.update().where(tenant.c.tenant_id == tenant_id).values(revision=tenant.c.revision + 1))


def read_range(valid: str) -> tuple[date, date]:
    """The bounds of a range such as `[2021-08-23,2022-05-28)`; `date.min` and `date.max` stand for none."""
    begin, _, end = valid[1:-1].partition(",")
    return (date.fromisoformat(begin) if begin else date.min, date.fromisoformat(end) if end else date.max)


def write_range(begin: date, end: date) -> str:
    """The inverse of `read_range`."""
    return f"[{'' if begin == date.min else begin},{'' if end == date.max else end})"


def _read(connection: Connection, table: str, tenant_id: str) -> list[Row]:
    target = metadata.tables[table]
    # One JSON value is decoded ten times as fast as its rows would be by the driver.
    query = select(func.json_agg(target.table_valued(), type_=JSON)).where(target.c.tenant_id == tenant_id)
    return connection.scalar(query) or []


def _recordset(table: str, rows: Sequence[Row]) -> tuple[TableValuedAlias, dict[str, Sequence[Row]]]:
    """`rows` as a table with the columns of `table`, and the parameter that carries them."""
    columns = [column(one.name, one.type) for one in metadata.tables[table].columns]
    given: BindParameter[Any] = bindparam("rows", type_=JSONB)
    return func.jsonb_to_recordset(given).table_valued(*columns).render_derived(with_types=True), {"rows": rows}


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
