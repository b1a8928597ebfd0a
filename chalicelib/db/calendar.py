"""The calendar's table: the dates on which a tenant or one of its schools differs from the weekdays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB

from chalicelib.db.tables import metadata, tenant

_PUT = text("""
insert into calendar_day as held (tenant_id, school_id, date, is_school_day, title)
select :tenant, school_id, date, is_school_day, title
from jsonb_to_recordset(:days) as given (school_id uuid, date date, is_school_day boolean, title text)
on conflict (tenant_id, school_id, date) do update
    set is_school_day = excluded.is_school_day, title = excluded.title
    where (held.is_school_day, held.title) is distinct from (excluded.is_school_day, excluded.title)
returning old.date is null as created
""").bindparams(bindparam("days", type_=JSONB))


def lock_tenant(connection: Connection, tenant_id: str) -> bool:
    """Lock the tenant's row until the transaction ends, so that imports follow each other; False for no such tenant."""
    query = select(tenant.c.tenant_id).where(tenant.c.tenant_id == tenant_id).with_for_update()
    return connection.scalar(query) is not None


def schools(connection: Connection, tenant_id: str) -> dict[str, str]:
    """The ids of the tenant's schools by the source's ids."""
    school = metadata.tables["school"].c
    rows = connection.execute(select(school.source_id, school.id).where(school.tenant_id == tenant_id))
    return {row.source_id: str(row.id) for row in rows}


def put(connection: Connection, tenant_id: str, days: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """Insert or change days (school_id, date, is_school_day, title); how many are new, how many are different now."""
    rows = connection.execute(_PUT, {"tenant": tenant_id, "days": list(days)}).all()
    created = sum(row.created for row in rows)
    return created, len(rows) - created
