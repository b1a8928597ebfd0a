"""A tenant's settings: read, and changed with a version check, the change of mode and the audit entry in one go."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from chalicelib.db.tables import attendance_mode_change, attendance_settings
from chalicelib.errors import NotFound

_S = attendance_settings.c

FIELDS = (
    "attendance_mode", "attendance_mode_from", "backdate_days", "allow_future_date", "notification_on_absent",
    "correction_reason_required", "school_days", "timezone",
)  # fmt: skip
"""What a tenant sets; the rest of the row is bookkeeping."""


def read(connection: Connection, tenant: str, *, lock: bool = False) -> dict[str, Any]:
    """The settings with their version. Raises NotFound for an unknown tenant."""
    query = select(*(_S[name] for name in (*FIELDS, "version"))).where(_S.tenant_id == tenant)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound("This tenant has no settings here.")
    return dict(row)


def write(
    connection: Connection, tenant: str, settings: dict[str, Any], *, actor: str, role: str, now: datetime
) -> None:
    """Replace the settings (the values of FIELDS); the version moves on, the database writes the audit entry."""
    before = read(connection, tenant, lock=True)
    connection.execute(
        update(attendance_settings)
        .where(_S.tenant_id == tenant)
        .values(**settings, version=_S.version + 1, updated_by=actor, updated_role=role, updated_at=now)
    )
    if (before["attendance_mode"], before["attendance_mode_from"]) != (
        settings["attendance_mode"],
        settings["attendance_mode_from"],
    ):
        _change_mode(connection, tenant, before, settings)
    connection.execute(text("update tenant set revision = revision + 1 where tenant_id = :t"), {"t": tenant})


def _change_mode(connection: Connection, tenant: str, before: dict[str, Any], settings: dict[str, Any]) -> None:
    """Note from which date the new mode holds; what held before keeps holding for the dates before."""
    mode, start, kept = settings["attendance_mode"], settings["attendance_mode_from"], before["attendance_mode_from"]
    c = attendance_mode_change.c
    first = insert(attendance_mode_change).values(tenant_id=tenant, holds_from=date.min, mode=before["attendance_mode"])
    connection.execute(first.on_conflict_do_nothing())
    if mode == before["attendance_mode"] and kept < start:
        # The same change is put off to a later date: until then holds what held before it.
        earlier = select(c.mode).where(c.tenant_id == tenant, c.holds_from < kept).order_by(c.holds_from.desc())
        put_off = update(attendance_mode_change).where(
            c.tenant_id == tenant, c.holds_from >= kept, c.holds_from < start
        )
        connection.execute(put_off.values(mode=func.coalesce(earlier.limit(1).scalar_subquery(), c.mode)))
    change = insert(attendance_mode_change).values(tenant_id=tenant, holds_from=start, mode=mode)
    connection.execute(
        change.on_conflict_do_update(index_elements=["tenant_id", "holds_from"], set_={"mode": change.excluded.mode})
    )
    # A change that was planned for a later date is overruled by this one.
    later = update(attendance_mode_change).where(c.tenant_id == tenant, c.holds_from > start)
    connection.execute(later.values(mode=mode))
