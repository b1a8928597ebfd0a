"""Cursor pages: a page starts after the last key of the one before, so marks that arrive meanwhile shift nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Date, Integer, Select, Uuid, bindparam, tuple_
from sqlalchemy.types import TypeEngine

from chalicelib.domain.questions import Page, Window
from chalicelib.errors import Fault, Refused

Query = Select[*tuple[Any, ...]]
"""A select of whatever columns."""


def fetch(
    connection: Connection,
    query: Query,
    key: Sequence[ColumnElement[Any]],
    window: Window,
    *,
    descending: bool = False,
) -> Page:
    """The page of `query` in the order of `key`, whose columns the query must select and which must be unique."""
    if window.cursor is not None:
        values = decode(window.cursor, len(key))
        bound = [
            bindparam(f"after_{index}", value, type_=column.type)
            for index, (column, value) in enumerate(zip(key, _typed(key, values), strict=True))
        ]
        here = tuple_(*key)
        query = query.where(here < tuple_(*bound) if descending else here > tuple_(*bound))
    order = [column.desc() if descending else column.asc() for column in key]
    rows = connection.execute(query.order_by(*order).limit(window.limit + 1)).mappings().all()
    items = [dict(row) for row in rows[: window.limit]]
    more = len(rows) > window.limit
    return Page(items, encode([items[-1][str(column.key)] for column in key]) if more else None)


def encode(values: Sequence[object]) -> str:
    """An opaque cursor that holds `values`."""
    text = json.dumps([str(value) for value in values], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, width: int) -> list[str]:
    """The values in `cursor`. Raises Refused for a cursor that this list did not give out."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise bad_cursor() from None
    if not isinstance(values, list) or len(values) != width or not all(isinstance(v, str) for v in values):
        raise bad_cursor()
    return values


def bad_cursor() -> Refused:
    """The refusal of a cursor that cannot be read."""
    return Refused(faults=[Fault("invalid_cursor", "Use the next_cursor of the page before.", parameter="cursor")])


def _typed(key: Sequence[ColumnElement[Any]], values: Sequence[str]) -> list[Any]:
    try:
        return [_value(column.type, value) for column, value in zip(key, values, strict=True)]
    except ValueError:
        raise bad_cursor() from None


def _value(kind: TypeEngine[Any], value: str) -> Any:
    """`value` as Postgres will take it for a column of that type. Raises ValueError if it would not."""
    if isinstance(kind, Uuid):
        return str(UUID(value))
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    if isinstance(kind, Integer):
        return _int4(int(value))
    if "\0" in value:
        raise ValueError("Postgres stores no NUL")
    return value.encode().decode()


def _int4(number: int) -> int:
    if not -(2**31) <= number < 2**31:
        raise ValueError("an integer of Postgres has four bytes")
    return number
