"""The tables as SQLAlchemy Core sees them, for building queries; the migrations make them, a test compares."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Time,
    Uuid,
)
from sqlalchemy.dialects.postgresql import DATERANGE, ENUM, JSONB
from sqlalchemy.types import TypeEngine, UserDefinedType

metadata = MetaData()

_ID = Uuid(as_uuid=False)
_INSTANT = DateTime(timezone=True)
_STATUS = ENUM("PRESENT", "ABSENT", "LATE", "EXCUSED", name="attendance_status", create_type=False)
_MODE = ENUM("DAILY", "PERIOD", name="attendance_mode", create_type=False)


class Composite(UserDefinedType[str]):
    """A row type of ours; ask for it by `to_jsonb`, since the driver has it as text."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: object) -> str:
        """Its name in SQL."""
        return self.name


NIL = "00000000-0000-0000-0000-000000000000"
"""Stands for no period (DAILY mode) and for every school (calendar)."""


def _table(name: str, columns: dict[str, TypeEngine[Any]], key: str) -> Table:
    """A table with `tenant_id` first and the space-separated `key` as its primary key."""
    parts = key.split()
    described = {"tenant_id": _ID, **columns}
    return Table(
        name,
        metadata,
        *(Column(column, kind, primary_key=column in parts) for column, kind in described.items()),
    )


tenant = _table(
    "tenant", {"name": Text(), "title": Text(), "revision": BigInteger(), "created_at": _INSTANT}, "tenant_id"
)
attendance_settings = _table(
    "attendance_settings",
    {
        "attendance_mode": _MODE, "attendance_mode_from": Date(), "backdate_days": Integer(),
        "allow_future_date": Boolean(), "notification_on_absent": Boolean(),
        "correction_reason_required": Boolean(), "school_days": ARRAY(Text()), "timezone": Text(),
        "version": Integer(), "updated_by": Text(), "updated_role": Text(), "updated_at": _INSTANT,
    },
    "tenant_id",
)  # fmt: skip
attendance_mode_change = _table("attendance_mode_change", {"holds_from": Date(), "mode": _MODE}, "tenant_id holds_from")
settings_audit_log = _table(
    "settings_audit_log",
    {
        "id": _ID,
        "before": JSONB(),
        "after": JSONB(),
        "actor_id": Text(),
        "actor_role": Text(),
        "at": _INSTANT,
    },
    "tenant_id id",
)

school = _table("school", {"id": _ID, "source_id": Text(), "name": Text(), "active": Boolean()}, "tenant_id id")
academic_session = _table(
    "academic_session",
    {
        "id": _ID, "source_id": Text(), "title": Text(), "kind": Text(), "start_date": Date(),
        "end_date": Date(), "parent_id": _ID, "school_year": Text(), "active": Boolean(),
    },
    "tenant_id id",
)  # fmt: skip
period = _table(
    "period",
    {"id": _ID, "source_id": Text(), "name": Text(), "sequence": Integer(), "active": Boolean()},
    "tenant_id id",
)
calendar_day = _table(
    "calendar_day",
    {"school_id": _ID, "date": Date(), "is_school_day": Boolean(), "title": Text()},
    "tenant_id school_id date",
)
section = _table(
    "section",
    {
        "id": _ID, "source_id": Text(), "school_id": _ID, "name": Text(), "code": Text(), "kind": Text(),
        "course": Text(), "session_ids": ARRAY(_ID), "period_ids": ARRAY(_ID), "active": Boolean(),
    },
    "tenant_id id",
)  # fmt: skip
student = _table(
    "student",
    {
        "id": _ID, "source_id": Text(), "given_name": Text(), "family_name": Text(), "grade": Text(),
        "school_id": _ID, "active": Boolean(),
    },
    "tenant_id id",
)  # fmt: skip
staff_member = _table(
    "staff_member",
    {
        "id": _ID, "source_id": Text(), "given_name": Text(), "family_name": Text(), "email": Text(),
        "job": Text(), "school_id": _ID, "active": Boolean(),
    },
    "tenant_id id",
)  # fmt: skip
guardian = _table(
    "guardian",
    {
        "id": _ID, "source_id": Text(), "given_name": Text(), "family_name": Text(), "email": Text(),
        "phone": Text(), "active": Boolean(),
    },
    "tenant_id id",
)  # fmt: skip
guardianship = _table(
    "guardianship",
    {"student_id": _ID, "guardian_id": _ID, "valid": DATERANGE()},
    "tenant_id student_id guardian_id valid",
)
enrollment = _table(
    "enrollment",
    {"section_id": _ID, "student_id": _ID, "source_id": Text(), "valid": DATERANGE()},
    "tenant_id section_id student_id valid",
)
teaching = _table(
    "teaching",
    {"section_id": _ID, "staff_id": _ID, "role": Text(), "source_id": Text(), "valid": DATERANGE()},
    "tenant_id section_id staff_id valid",
)

_MARK: dict[str, TypeEngine[Any]] = {
    "status": _STATUS, "late_minutes": SmallInteger(), "remarks": Text(), "reason": Text(), "marked_by": Text(),
    "marked_role": Text(), "marked_at": _INSTANT, "submitted_at": _INSTANT, "job_id": _ID, "version": Integer(),
}  # fmt: skip
student_attendance = _table(
    "student_attendance",
    {"date": Date(), "student_id": _ID, "period_id": _ID, "section_id": _ID, "session_id": _ID, **_MARK,
     "excusal": Text(), "code": Text()},
    "tenant_id date student_id period_id",
)  # fmt: skip
staff_attendance = _table(
    "staff_attendance",
    {"date": Date(), "staff_id": _ID, **_MARK, "check_in": Time(), "check_out": Time()},
    "tenant_id date staff_id",
)
attendance_audit_log = _table(
    "attendance_audit_log",
    {
        "id": _ID, "student_id": _ID, "staff_id": _ID, "date": Date(), "period_id": _ID,
        "before": Composite("marking"), "after": Composite("mark_said"), "reason": Text(), "actor_id": Text(),
        "actor_role": Text(), "at": _INSTANT, "job_id": _ID,
    },
    "tenant_id id",
)  # fmt: skip
attendance_job = _table(
    "attendance_job",
    {
        "job_id": _ID, "kind": Text(), "state": Text(), "total": Integer(), "processed": Integer(),
        "applied": Integer(), "unchanged": Integer(), "superseded": Integer(), "rejected": JSONB(), "error": JSONB(),
        "submitted_by": Text(), "submitted_at": _INSTANT, "started_at": _INSTANT, "finished_at": _INSTANT,
        "attempts_made": Integer(), "max_attempts": Integer(),
    },
    "tenant_id job_id",
)  # fmt: skip
