# Runs in the peers' own environment, whose packages mypy does not see.
# mypy: ignore-errors
"""A job's marks by SQLAlchemy, for the Celery and RQ peers: by the ORM, a row at a time, or by Core, all at once."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache

from sqlalchemy import MetaData, Table, create_engine
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session

NIL = "00000000-0000-0000-0000-000000000000"


@cache
def tools():
    """The engine and the mapped tables, as this process' first job finds them."""
    engine = create_engine(os.environ["PEER_DATABASE_URL"], pool_size=1)
    metadata = MetaData()
    metadata.reflect(engine, only=["student_attendance", "attendance_job"])
    base = automap_base(metadata=metadata)
    base.prepare()
    return engine, base.classes.student_attendance, base.classes.attendance_job


def write(sheet: dict, mode: str) -> None:
    """Marks and ledger in one transaction; a sheet that was applied before changes nothing."""
    engine, marks, ledger = tools()
    started = datetime.now(UTC)
    at = datetime.fromtimestamp(sheet["sent"], UTC)
    try:
        with Session(engine) as session, session.begin():
            (_by_orm if mode == "orm" else _by_core)(session, marks, _rows(sheet, at))
            session.add(
                ledger(
                    tenant_id=sheet["tenant_id"], job_id=sheet["job_id"], kind="student", state="completed",
                    total=len(sheet["records"]), applied=len(sheet["records"]), submitted_by=sheet["actor"]["id"],
                    submitted_at=at, started_at=started, attempts_made=1,
                )
            )  # fmt: skip
    except IntegrityError:
        return


def _by_orm(session: Session, marks: type, rows: list[dict]) -> None:
    """As the ORM writes what may be there already: look, then insert or update. Its flush gathers the inserts."""
    for row in rows:
        session.merge(marks(**row))


def _by_core(session: Session, marks: type, rows: list[dict]) -> None:
    table: Table = marks.__table__
    new = insert(table)
    key = {"tenant_id", "date", "student_id", "period_id"}
    session.execute(
        new.on_conflict_do_update(
            index_elements=["tenant_id", "date", "student_id", "period_id"],
            set_={name: new.excluded[name] for name in rows[0] if name not in key} | {"version": table.c.version + 1},
            where=table.c.submitted_at < new.excluded.submitted_at,
        ),
        rows,
    )


def _rows(sheet: dict, at: datetime) -> list[dict]:
    head = {
        "tenant_id": sheet["tenant_id"], "date": sheet["date"], "period_id": NIL, "section_id": sheet["section_id"],
        "session_id": sheet["session_id"], "reason": sheet["reason"], "marked_by": sheet["actor"]["id"],
        "marked_role": sheet["actor"]["role"], "marked_at": at, "submitted_at": at, "job_id": sheet["job_id"],
    }  # fmt: skip
    return [
        {**head, "student_id": mark["student_id"], "status": mark["status"], "remarks": mark.get("remarks")}
        for mark in sheet["records"]
    ]
