"""Read marks, audit, rosters: each reader sees the own reach, a teacher the own sections, another tenant nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from chalicelib.cache import RosterCache
from chalicelib.db.queries import audit, ledger, marks, people, scope
from chalicelib.db.session import Database
from chalicelib.domain.attendance import Role
from chalicelib.domain.questions import AuditFilter, MarkFilter, Page, Window
from chalicelib.errors import Forbidden, NotFound
from chalicelib.services.actor import Actor

NOBODY = "00000000-0000-0000-0000-000000000000"
"""No staff member has this id: who is not on the staff teaches nothing."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Answers questions, within the reach of who asks."""

    database: Database
    rosters: RosterCache
    now: Callable[[], datetime]

    def records(self, actor: Actor, wanted: MarkFilter, window: Window) -> Page:
        """Students' marks; a teacher's are those of own sections. Raises NotFound, Forbidden for a section."""
        with self.database.transaction(actor.tenant) as connection:
            teacher = _teacher(connection, actor)
            if wanted.section_id is not None:
                _require_section(connection, actor, wanted.section_id, teacher)
            return marks.student_marks(connection, actor.tenant, wanted, window, teacher=teacher)

    def staff_records(self, actor: Actor, wanted: MarkFilter, window: Window) -> Page:
        """Staff marks."""
        with self.database.transaction(actor.tenant) as connection:
            return marks.staff_marks(connection, actor.tenant, wanted, window)

    def audit(self, actor: Actor, wanted: AuditFilter, window: Window) -> Page:
        """Changes of marks."""
        with self.database.transaction(actor.tenant) as connection:
            return audit.entries(connection, actor.tenant, wanted, window)

    def settings_history(self, actor: Actor, window: Window) -> Page:
        """Changes of settings."""
        with self.database.transaction(actor.tenant) as connection:
            return audit.settings_changes(connection, actor.tenant, window)

    def student_history(self, actor: Actor, student_id: str, window: Window) -> Page:
        """A student's marks, each with `first`, the first marking, and `changes`, every change after it."""
        with self.database.transaction(actor.tenant) as connection:
            if not scope.student_exists(connection, actor.tenant, student_id):
                raise NotFound("There is no such student.")
            teacher = _teacher(connection, actor)
            if teacher is not None and not scope.teaches_ever(connection, actor.tenant, teacher, student_id):
                raise Forbidden("A teacher sees the history of own students only.")
            page = marks.marks_of_student(connection, actor.tenant, student_id, window)
            days = sorted({item["date"] for item in page.items})
            changes = audit.changes_of_student(connection, actor.tenant, student_id, days)
        for item in page.items:
            item["changes"] = changes.get((item["date"], item["period_id"]), [])
            item["first"] = item["changes"][0]["before"] if item["changes"] else _marking(item)
        return page

    def sections(self, actor: Actor, window: Window) -> Page:
        """Sections within the actor's reach."""
        with self.database.transaction(actor.tenant) as connection:
            return people.sections(connection, actor.tenant, window, teacher=_teacher(connection, actor))

    def roster(
        self, actor: Actor, section_id: str, day: date | None, period_id: str | None
    ) -> tuple[date, list[dict[str, Any]]]:
        """Who is enrolled in a section on `day` (default: the tenant's today), with the marks that stand."""
        with self.database.transaction(actor.tenant) as connection:
            teacher = _teacher(connection, actor)
            _require_section(connection, actor, section_id, teacher)
            held = day or self.rosters.rules(actor.tenant).today(self.now())
            if teacher is not None and not scope.teaches_section(connection, actor.tenant, teacher, section_id, held):
                raise Forbidden(f"The section is not yours on {held}.")
            return held, people.roster(connection, actor.tenant, section_id, held, period_id)

    def staff(self, actor: Actor, window: Window) -> Page:
        """The staff; who is not of the office sees oneself."""
        with self.database.transaction(actor.tenant) as connection:
            only = scope.staff_id_of(connection, actor.tenant, actor.subject)
            return people.staff(connection, actor.tenant, window, only=only, everyone=actor.sees_everyone)

    def sessions(self, actor: Actor, window: Window) -> Page:
        """Academic sessions."""
        with self.database.transaction(actor.tenant) as connection:
            return people.sessions(connection, actor.tenant, window)

    def periods(self, actor: Actor, window: Window) -> Page:
        """Periods."""
        with self.database.transaction(actor.tenant) as connection:
            return people.periods(connection, actor.tenant, window)


@dataclass(frozen=True, slots=True)
class PostgresMarks:
    """What other services ask of Postgres: standing marks and the ledger."""

    database: Database

    def would_change(self, tenant: str, noun: str, day: date, period_id: str | None, records: bytes) -> list[str]:
        """The ids of those whose mark the records would change."""
        with self.database.transaction(tenant) as connection:
            return list(marks.would_change(connection, tenant, noun, day, period_id, records))

    def find(self, tenant: str, job_id: str) -> dict[str, Any] | None:
        """The ledger's row of a job."""
        with self.database.transaction(tenant) as connection:
            return ledger.find(connection, tenant, job_id)

    def older(self, tenant: str, *, state: str | None, before: str | None, limit: int) -> list[dict[str, Any]]:
        """The ledger's rows, newest first."""
        with self.database.transaction(tenant) as connection:
            return ledger.older(connection, tenant, state=state, before=before, limit=limit)


def _teacher(connection: Connection, actor: Actor) -> str | None:
    """None if the actor sees the whole tenant, else the staff id whose sections are the reach."""
    if actor.sees_everyone:
        return None
    if actor.roles & {Role.TEACHER, Role.STAFF}:
        return scope.staff_id_of(connection, actor.tenant, actor.subject) or NOBODY
    return NOBODY


def _require_section(connection: Connection, actor: Actor, section_id: str, teacher: str | None) -> None:
    if not scope.section_exists(connection, actor.tenant, section_id):
        raise NotFound("There is no such section.")
    if teacher is not None and not scope.teaches_section(connection, actor.tenant, teacher, section_id):
        raise Forbidden("A teacher sees own sections only.")


def _marking(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ("status", "late_minutes", "remarks", "marked_by", "marked_at", "job_id")}
