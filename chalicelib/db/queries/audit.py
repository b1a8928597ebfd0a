"""The audit log: every change of a mark, newest first, or all changes of one student's marks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import JSONB

from chalicelib.db.queries.paging import fetch
from chalicelib.db.tables import NIL, attendance_audit_log, settings_audit_log
from chalicelib.domain.questions import AuditFilter, Page, Window

_A = attendance_audit_log.c
_BEFORE, _AFTER = (func.to_jsonb(said, type_=JSONB).label(said.key) for said in (_A.before, _A.after))
_ENTRY = select(
    _A.id, _A.student_id, _A.staff_id, _A.date, _A.period_id, _BEFORE, _AFTER, _A.reason, _A.actor_id,
    _A.actor_role, _A.at, _A.job_id,
)  # fmt: skip


def entries(connection: Connection, tenant: str, wanted: AuditFilter, window: Window) -> Page:
    """Changes, newest first."""
    query = _ENTRY.where(_A.tenant_id == tenant)
    if wanted.student_id is not None:
        query = query.where(_A.student_id == wanted.student_id)
    if wanted.staff_id is not None:
        query = query.where(_A.staff_id == wanted.staff_id)
    if wanted.from_date is not None:
        query = query.where(_A.date >= wanted.from_date)
    if wanted.to_date is not None:
        query = query.where(_A.date <= wanted.to_date)
    if wanted.actor is not None:
        query = query.where(_A.actor_id == wanted.actor)
    page = fetch(connection, query, [_A.id], window, descending=True)
    for item in page.items:
        _tidy(item)
    return page


def changes_of_student(
    connection: Connection, tenant: str, student_id: str, days: Sequence[date]
) -> dict[tuple[date, str | None], list[dict[str, Any]]]:
    """The changes of a student's marks on `days`, oldest first, by date and period."""
    query = _ENTRY.where(_A.tenant_id == tenant, _A.student_id == student_id, _A.date.in_(days)).order_by(_A.id)
    found: dict[tuple[date, str | None], list[dict[str, Any]]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        item = _tidy(dict(row))
        found[item["date"], item["period_id"]].append(item)
    return found


def settings_changes(connection: Connection, tenant: str, window: Window) -> Page:
    """Changes of the tenant's settings, newest first."""
    columns = settings_audit_log.c
    query = select(columns.id, columns.before, columns.after, columns.actor_id, columns.actor_role, columns.at).where(
        columns.tenant_id == tenant
    )
    return fetch(connection, query, [columns.id], window, descending=True)


def _tidy(item: dict[str, Any]) -> dict[str, Any]:
    item["period_id"] = None if item["period_id"] == NIL else item["period_id"]
    if item["student_id"] is not None:
        for said in filter(None, (item["before"], item["after"])):
            del said["check_in"], said["check_out"]
    return item
