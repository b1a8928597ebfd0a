"""The audit log: written by the database itself whoever changes a mark, and only ever growing."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from chalicelib.db.faults import sqlstate
from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter
from tests.db.steps import a_job, audit_count, audit_entries, history, mark_of
from tests.school import School, Section

NOT_ALLOWED = "42501"
LOGS = ("attendance_audit_log", "settings_audit_log")
CHANGES = ("update {} set at = now()", "delete from {}", "truncate {}")


@pytest.fixture
def corrected(database: Database, school: School) -> Section:
    """A section whose one student was absent and is present since."""
    section = school.section(students=1)
    for at, status in enumerate(["ABSENT", "PRESENT"]):
        BatchWriter(database).write([a_job(school, {section.students[0]: status}, at=at, section=section.id)])
    school.run("update attendance_settings set backdate_days = 9, updated_by = 'ada', updated_role = 'admin'")
    return section


def as_app(school: School, sql: str) -> str:
    """The SQLSTATE with which a statement of the app's role fails."""
    with pytest.raises(DBAPIError) as error:
        school.run(sql)
    return sqlstate(error.value)


def as_owner(owner_engine: Engine, sql: str) -> str:
    """The SQLSTATE with which a statement of the tables' owner, here even a superuser, fails."""
    with pytest.raises(DBAPIError) as error, owner_engine.begin() as connection:
        connection.execute(text(sql))
    return sqlstate(error.value)


@pytest.mark.parametrize("sql", CHANGES)
@pytest.mark.parametrize("log", LOGS)
def test_nobody_changes_empties_or_shortens_a_log(
    school: School, corrected: Section, owner_engine: Engine, log: str, sql: str
) -> None:
    """Neither the app nor the owner; not even when no row would be hit."""
    assert as_app(school, sql.format(log)) == NOT_ALLOWED
    assert as_owner(owner_engine, sql.format(log)) == NOT_ALLOWED
    if not sql.startswith("truncate"):
        assert as_owner(owner_engine, f"{sql.format(log)} where false") == NOT_ALLOWED
    assert school.run(f"select count(*) from {log}") == [(1,)]


@pytest.mark.parametrize("log", LOGS)
def test_the_app_adds_nothing_of_its_own_to_a_log(school: School, corrected: Section, log: str) -> None:
    """It is written by what happens, not by who says that it happened."""
    assert as_app(school, f"insert into {log} select * from {log}") == NOT_ALLOWED


@pytest.mark.parametrize("function", ["log_student_attendance_change", "log_settings_change"])
def test_the_app_cannot_call_what_writes_the_log(school: School, function: str) -> None:
    """A trigger's function answers to triggers only."""
    assert as_app(school, f"select {function}()") in {NOT_ALLOWED, "0A000"}


def test_a_mark_changed_past_the_writer_is_audited_all_the_same(school: School, corrected: Section) -> None:
    """By the app's role, with plain SQL: there is no path that leaves the log out."""
    [kim] = corrected.students
    school.run("update student_attendance set status = 'EXCUSED', marked_by = 'eve', marked_role = 'office'")
    assert history(school, kim) == [("ABSENT", "PRESENT"), ("PRESENT", "EXCUSED")]
    [*_, entry] = audit_entries(school)
    assert (entry.actor_id, entry.actor_role, entry.before["marked_by"]) == ("eve", "office", "ann")


def test_a_mark_changed_by_the_owner_is_audited(school: School, corrected: Section, owner_engine: Engine) -> None:
    """Repairs by hand leave their trace."""
    [kim] = corrected.students
    with owner_engine.begin() as connection:
        set_remarks = text("update student_attendance set remarks = 'by hand' where student_id = :kim")
        connection.execute(set_remarks, {"kim": kim})
    [*_, entry] = audit_entries(school)
    assert (entry.before["remarks"], entry.after["remarks"]) == (None, "by hand")


def test_a_deleted_mark_leaves_its_trace_under_the_name_of_who_deleted_it(
    school: School, corrected: Section, owner_engine: Engine
) -> None:
    """The app cannot delete one; the owner can, and the log says what stood there."""
    [kim] = corrected.students
    stood = mark_of(school, kim)
    with owner_engine.begin() as connection:
        connection.execute(text("delete from student_attendance where student_id = :kim"), {"kim": kim})
    [*_, entry] = audit_entries(school)
    assert (entry.before["status"], entry.after, entry.actor_id, entry.actor_role) == (
        "PRESENT", None, "postgres", "database",
    )  # fmt: skip
    assert entry.before["job_id"] == str(stood.job_id)


def test_marks_are_not_truncated(school: School, corrected: Section, owner_engine: Engine) -> None:
    """A TRUNCATE would leave nothing to log; of a month's partition no more than of the whole."""
    [(partition,)] = school.run("select tableoid::regclass::text from student_attendance")
    for table in ("student_attendance", "staff_attendance", partition):
        assert as_owner(owner_engine, f"truncate {table}") == NOT_ALLOWED
    assert len(school.run("select * from student_attendance")) == 1


def test_an_update_that_changes_nothing_said_is_not_logged(school: School, corrected: Section) -> None:
    """Bookkeeping such as the newest submission's time is no change of the mark."""
    school.run("update student_attendance set submitted_at = now(), status = status")
    assert audit_count(school) == 1


def test_a_change_of_many_marks_at_once_is_logged_mark_by_mark(database: Database, school: School) -> None:
    """One statement, 300 entries, each with its own before."""
    section = school.section(students=300)
    for at, status in enumerate(["ABSENT", "PRESENT"]):
        marks = dict.fromkeys(section.students, status)
        BatchWriter(database).write([a_job(school, marks, at=at, section=section.id)])
    found = school.run("select distinct student_id, (before).status, (after).status from attendance_audit_log")
    assert {(str(who), before, after) for who, before, after in found} == {
        (who, "ABSENT", "PRESENT") for who in section.students
    }


def test_a_change_of_settings_is_logged_with_all_that_stood_before(school: School, corrected: Section) -> None:
    """Every setting, not only the one that changed; bookkeeping is left out."""
    [entry] = school.run("select * from settings_audit_log")
    assert (entry.before["backdate_days"], entry.after["backdate_days"]) == (7, 9)
    assert (entry.actor_id, entry.actor_role) == ("ada", "admin")
    unchanged: dict[str, Any] = {name: value for name, value in entry.before.items() if name != "backdate_days"}
    assert unchanged.items() <= entry.after.items()
    assert {"timezone", "attendance_mode", "school_days"} <= unchanged.keys()
    assert not {"tenant_id", "version", "updated_by"} & unchanged.keys()


def test_the_log_of_one_tenant_is_not_the_others(school: School, corrected: Section) -> None:
    """It is as private as the marks."""
    other = School(school.database)
    assert audit_count(school) == 1
    assert audit_count(other) == 0
    assert other.run("select * from settings_audit_log") == []
