"""Months of marks are made ahead; a date outside them is refused, never lost."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from chalicelib.db.faults import sqlstate
from chalicelib.db.session import Database
from chalicelib.db.writer import BatchWriter
from tests.db.steps import a_job, counts
from tests.school import TODAY, School

FIRST = date(2003, 1, 15)


def ensure(database: Database, first: date, last: date) -> int:
    """The number of partitions that were made for the dates from `first` to `last`."""
    with database.transaction() as connection:
        sql = text("select ensure_attendance_partitions(:first, :last)")
        return int(connection.scalar(sql, {"first": first, "last": last}) or 0)


@pytest.mark.parametrize("months", [-12, 0, 17])
def test_a_year_back_and_a_year_ahead_are_there_from_the_beginning(owner_engine: Engine, months: int) -> None:
    """Before any import has asked for them."""
    month = (TODAY.replace(day=15) + timedelta(days=30.4 * months)).replace(day=1)
    with owner_engine.connect() as connection:
        assert connection.scalar(text(f"select to_regclass('student_attendance_{month:%Y_%m}') is not null"))


def test_the_app_makes_the_months_that_it_needs_and_no_month_twice(database: Database) -> None:
    """Both ends included; asked again, there is nothing to do."""
    assert ensure(database, FIRST, date(2003, 3, 1)) == 3
    assert ensure(database, FIRST, date(2003, 3, 31)) == 0
    assert ensure(database, FIRST, date(2003, 4, 1)) == 1


def test_two_imports_at_once_may_ask_for_the_same_months(database: Database) -> None:
    """Each month is made by one of them."""
    barrier = threading.Barrier(4)

    def work() -> int:
        barrier.wait(timeout=10)
        return ensure(database, date(2004, 1, 1), date(2004, 6, 30))

    with ThreadPoolExecutor(4) as pool:
        made = [done.result(timeout=30) for done in [pool.submit(work) for _ in range(4)]]
    assert sum(made) == 6


def test_a_slip_of_the_year_does_not_make_thousands_of_tables(database: Database) -> None:
    """Half a century is enough for any roster."""
    with pytest.raises(DBAPIError, match="50 years"):
        ensure(database, date(202, 1, 1), TODAY)


def test_a_new_month_is_guarded_like_the_first(database: Database, owner_engine: Engine) -> None:
    """Row-level security is on and forced, and the app cannot reach it by name."""
    ensure(database, date(2005, 1, 1), date(2005, 1, 1))
    with owner_engine.connect() as connection:
        guard = text("select relrowsecurity and relforcerowsecurity from pg_class where relname = :name")
        assert connection.scalar(guard, {"name": "student_attendance_2005_01"})
    with pytest.raises(DBAPIError) as error, database.transaction() as app:
        app.execute(text("select * from student_attendance_2005_01"))
    assert sqlstate(error.value) == "42501"


def test_a_date_outside_the_months_is_refused(database: Database, school: School) -> None:
    """With an error that blames the data; once the month is there, the same job is applied."""
    day = date(2006, 5, 17)
    section = school.section()
    students = school.students(1)
    school.enroll(section.id, students, date(2006, 1, 1), date(2007, 1, 1))
    job = a_job(school, {students[0]: "PRESENT"}, section=section.id, day=day)
    with pytest.raises(DBAPIError) as error:
        BatchWriter(database).write([job])
    assert sqlstate(error.value) == "23514"
    ensure(database, day, day)
    assert counts(BatchWriter(database).write([job])[job.job_id]) == (1, 0, 0, 0)


def test_a_query_for_a_day_reads_that_days_month_only(school: School) -> None:
    """The others are left out by their bounds."""
    plan = school.run(
        "explain select * from student_attendance where tenant_id = :t and date = :d", t=school.tenant, d=TODAY
    )
    tables = {word for (line,) in plan for word in line.split() if word.startswith("student_attendance_2")}
    assert {name[:26] for name in tables} == {f"student_attendance_{TODAY:%Y_%m}"}
