"""Rows that Postgres makes itself: the limit of any writer, and the filling of a large table."""

from __future__ import annotations

import time
from datetime import date

from sqlalchemy import Engine, text

from bench.sheets import Campus
from bench.world import World

_INTO = """
insert into student_attendance
    (tenant_id, date, student_id, period_id, section_id, session_id, status, remarks, marked_by, marked_role,
     marked_at, submitted_at, job_id)
"""
_MAKE = text(
    _INTO
    + """
select cast(:tenant as uuid), cast(:day as date), gen_random_uuid(), '00000000-0000-0000-0000-000000000000',
       cast(:section as uuid), cast(:session as uuid), 'PRESENT',
       case when mod(n, 30) = 0 then 'Called by the mother' end, 'office-1', 'office', now(), now(), cast(:job as uuid)
from generate_series(1, :rows) as n
"""
)
_FILL = text(
    _INTO
    + """
select md5('tenant' || mod(n, 50))::uuid, cast(:month as date) + mod(n / 50, 28), gen_random_uuid(),
       '00000000-0000-0000-0000-000000000000', md5('section' || mod(n, 5000))::uuid, md5('session')::uuid, 'PRESENT',
       case when mod(n, 30) = 0 then 'Called by the mother' end, 'office-1', 'office', now(), now(), uuidv7()
from generate_series(1, :rows) as n
"""
)
_MONTHS = text(
    "select to_date(right(c.relname, 7), 'YYYY_MM') from pg_inherits i join pg_class c on c.oid = i.inhrelid"
    " where i.inhparent = 'student_attendance'::regclass order by 1"
)


def make_rows(world: World, campus: Campus, rows: int, batches: int) -> float:
    """Seconds in which Postgres makes `rows` new marks of one day in so many transactions."""
    day = campus.new_day()
    named = {
        "tenant": campus.tenant, "day": day, "section": campus.sections[0].id, "session": campus.session_id,
        "job": campus.session_id, "rows": rows // batches,
    }  # fmt: skip
    with world.owner.connect() as connection:
        started = time.perf_counter()
        for _ in range(batches):
            connection.execute(_MAKE, named)
            connection.commit()
        seconds = time.perf_counter() - started
    campus.require(day, rows)
    return seconds


def fill_table(owner: Engine, rows: int) -> list[date]:
    """Spread `rows` marks of 50 tenants over all months that have a partition; the months."""
    with owner.begin() as connection:
        months: list[date] = list(connection.scalars(_MONTHS))
    for month in months:
        with owner.begin() as connection:
            connection.execute(_FILL, {"month": month, "rows": rows // len(months)})
    owner.dispose()  # VACUUM wants a fresh connection: the pool's ping has begun a transaction on the others
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum (analyze) student_attendance"))
        connection.execute(text("checkpoint"))
    return months
