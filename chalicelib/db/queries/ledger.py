"""Jobs as the ledger tells them, long after Redis has forgotten."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from chalicelib.db.tables import attendance_job

_J = attendance_job.c


def find(connection: Connection, tenant: str, job_id: str) -> dict[str, Any] | None:
    """The ledger's row of a job."""
    row = connection.execute(
        select(attendance_job).where(_J.tenant_id == tenant, _J.job_id == job_id)
    ).mappings().one_or_none()  # fmt: skip
    return dict(row) if row is not None else None


def older(
    connection: Connection, tenant: str, *, state: str | None, before: str | None, limit: int
) -> list[dict[str, Any]]:
    """Rows of jobs in a state (None: any), newest first, that were submitted before the job `before`."""
    query = select(attendance_job).where(_J.tenant_id == tenant)
    if state is not None:
        query = query.where(_J.state == state)
    if before is not None:
        query = query.where(_J.job_id < before)
    rows = connection.execute(query.order_by(_J.job_id.desc()).limit(limit)).mappings()
    return [dict(row) for row in rows]
