"""The rules and registers of a tenant, as the cache keeps them (the source of a cold cache)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from chalicelib.db.session import Database
from chalicelib.db.tables import NIL
from chalicelib.domain.attendance import Mode, Weekday
from chalicelib.domain.register import ALL_STUDENTS, STAFF, Register, Span
from chalicelib.domain.rules import EVERY_SCHOOL, AcademicSession, Rules

_ALWAYS = Span(date.min, date.max)

_SETTINGS = text("""
select revision, timezone, attendance_mode, attendance_mode_from, backdate_days, allow_future_date,
       correction_reason_required, school_days
from tenant join attendance_settings using (tenant_id)
where tenant_id = :tenant
""")

_ENROLLED = text("""
select section_id, lower(valid) as first, upper(valid) as past, array_agg(student_id::text) as people
from enrollment
where tenant_id = :tenant and (cast(:everything as boolean) or section_id = any (cast(:sections as uuid[])))
group by section_id, lower(valid), upper(valid)
""")

_TEACHERS = text("""
select section_id, lower(valid) as first, upper(valid) as past,
       array_agg(staff_id::text) || array_agg(source_id) as people
from (
    select t.section_id, t.valid, t.staff_id, m.source_id
    from teaching as t join staff_member as m on m.tenant_id = t.tenant_id and m.id = t.staff_id
    where t.tenant_id = :tenant and t.role in ('teacher', 'substitute')
      and (cast(:everything as boolean) or t.section_id = any (cast(:sections as uuid[])))
) as found
group by section_id, lower(valid), upper(valid)
""")

_SECTIONS = text("""
select id, school_id, session_ids
from section
where tenant_id = :tenant and (cast(:everything as boolean) or id = any (cast(:sections as uuid[])))
""")

_ALL_STUDENTS = text("""
select lower(span) as first, upper(span) as past, array_agg(student_id::text) as people
from (
    select student_id, unnest(range_agg(valid)) as span
    from enrollment where tenant_id = :tenant group by student_id
) as enrolled
group by lower(span), upper(span)
""")

_STAFF = text("select array_agg(id::text) as people from staff_member where tenant_id = :tenant and active")


class PostgresRosters:
    """Reads rules and registers from Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rules(self, tenant: str) -> Rules | None:
        """The tenant's rules; None for an unknown tenant."""
        with self._database.transaction(tenant) as connection:
            return read_rules(connection, tenant)

    def registers(self, tenant: str, names: frozenset[str] | None = None) -> tuple[int, Mapping[str, Register]]:
        """Registers by name, all of them by default, with the tenant's revision before the reading."""
        with self._database.transaction(tenant) as connection:
            # The revision first: what an import changes while we read is then labelled older than it is, and its
            # refresh of the cache throws it away.
            known = connection.scalar(text("select revision from tenant where tenant_id = :t"), {"t": tenant})
            return int(known or 0), _registers(connection, tenant, names)


def read_rules(connection: Connection, tenant: str) -> Rules | None:
    """The rules of `tenant` as this transaction sees them."""
    settings = connection.execute(_SETTINGS, {"tenant": tenant}).one_or_none()
    if settings is None:
        return None

    def rows(sql: str) -> Iterable[Any]:
        return connection.execute(text(sql), {"tenant": tenant})

    changes = [
        (row.holds_from, Mode(row.mode))
        for row in rows("select holds_from, mode from attendance_mode_change where tenant_id = :tenant order by 1")
    ]
    sessions = {
        str(row.id): AcademicSession(str(row.id), row.start_date, row.end_date)
        for row in rows("select * from academic_session where tenant_id = :tenant and active")
    }
    periods = frozenset(str(row.id) for row in rows("select id from period where tenant_id = :tenant and active"))
    calendar: dict[str, dict[date, bool]] = defaultdict(dict)
    for row in rows("select school_id, date, is_school_day from calendar_day where tenant_id = :tenant"):
        school = EVERY_SCHOOL if str(row.school_id) == NIL else str(row.school_id)
        calendar[school][row.date] = row.is_school_day
    return Rules(
        revision=settings.revision,
        timezone=settings.timezone,
        modes=tuple(changes) or ((date.min, Mode(settings.attendance_mode)),),
        backdate_days=settings.backdate_days,
        allow_future_date=settings.allow_future_date,
        reason_required=settings.correction_reason_required,
        school_days=frozenset(Weekday(day) for day in settings.school_days),
        sessions=sessions,
        period_ids=periods,
        calendar=dict(calendar),
    )


def _registers(connection: Connection, tenant: str, names: frozenset[str] | None) -> dict[str, Register]:
    wanted = names or frozenset()
    scope = {
        "tenant": tenant,
        "everything": names is None,
        "sections": sorted(wanted - {ALL_STUDENTS, STAFF}),
    }
    found: dict[str, Register] = {}
    if names is None or scope["sections"]:
        enrolled = _grouped(connection.execute(_ENROLLED, scope))
        teachers = _grouped(connection.execute(_TEACHERS, scope))
        for row in connection.execute(_SECTIONS, scope):
            section = str(row.id)
            sessions = frozenset(str(session) for session in row.session_ids)
            found[section] = Register(
                section, str(row.school_id), sessions, tuple(enrolled[section]), tuple(teachers[section])
            )
    if names is None or ALL_STUDENTS in wanted:
        spans = tuple(_group(row) for row in connection.execute(_ALL_STUDENTS, scope))
        found[ALL_STUDENTS] = Register(None, None, frozenset(), spans)
    if names is None or STAFF in wanted:
        people = frozenset(connection.scalar(_STAFF, scope) or ())
        found[STAFF] = Register(None, None, frozenset(), ((_ALWAYS, people),))
    return found


def _grouped(rows: Iterable[Any]) -> defaultdict[str, list[tuple[Span, frozenset[str]]]]:
    groups: defaultdict[str, list[tuple[Span, frozenset[str]]]] = defaultdict(list)
    for row in rows:
        groups[str(row.section_id)].append(_group(row))
    return groups


def _group(row: Any) -> tuple[Span, frozenset[str]]:
    return Span(row.first or date.min, row.past or date.max), frozenset(row.people)
