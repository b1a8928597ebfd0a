"""The daily round makes the months that marks are going to fall into, and gives way to marks that are being written."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from chalicelib.db.engine import make_engine
from chalicelib.db.faults import sqlstate
from chalicelib.db.session import Database
from chalicelib.errors import Unavailable
from chalicelib.services.maintain import Maintenance
from tests.school import School


def round_on(database: Database, day: date, **options: int) -> Maintenance:
    """Maintenance at noon of that day."""
    return Maintenance(database, lambda: datetime(day.year, day.month, day.day, 12, tzinfo=UTC), **options)


def months(owner: Engine, year: str) -> set[str]:
    """The months of marks that there are in a year, as `03`."""
    like = f"student\\_attendance\\_{year}\\_%"
    with owner.connect() as connection:
        names = connection.scalars(
            text("select relname from pg_class where relkind = 'r' and relname like :like"), {"like": like}
        )
        return {name[-2:] for name in names}


def test_a_new_database_needs_no_round_today(database: Database) -> None:
    """The first migration has made the months from a year back to a year and a half ahead."""
    report = Maintenance(database, lambda: datetime.now(UTC)).run().to_json()
    assert report["partitions_made"] == 0
    assert date.fromisoformat(report["provided_until"]) > datetime.now(UTC).date()


def test_the_months_from_the_last_one_to_a_year_and_a_half_ahead_are_made_once(
    database: Database, owner_engine: Engine
) -> None:
    """Asked again the same day there is nothing to do; a month later there is one month to make."""
    assert round_on(database, date(2061, 1, 15)).run().partitions_made == 20
    assert months(owner_engine, "2060") == {"12"}
    assert months(owner_engine, "2061") == {f"{month:02}" for month in range(1, 13)}
    assert months(owner_engine, "2062") == {f"{month:02}" for month in range(1, 8)}
    assert round_on(database, date(2061, 1, 15)).run().partitions_made == 0
    assert round_on(database, date(2061, 2, 15)).run().partitions_made == 1


def test_a_round_does_not_hold_up_the_marks_behind_a_long_one(database: Database, school: School) -> None:
    """It gives way after its patience, having made nothing; the next round makes the months."""
    with database.transaction(school.tenant) as writing:
        writing.execute(text("select from student_attendance limit 1"))
        with pytest.raises(DBAPIError) as error:
            round_on(database, date(2071, 1, 15), patience_ms=50).run()
        assert sqlstate(error.value) == "55P03"
        assert school.run("select to_regclass('student_attendance_2071_01')") == [(None,)]
    assert round_on(database, date(2071, 1, 15)).run().partitions_made == 20


def test_an_outage_is_told_as_one() -> None:
    """Lambda tries an invocation that failed again."""
    away = Database(make_engine("postgresql://rollcall_app@127.0.0.1:1/rollcall"))
    with pytest.raises(Unavailable):
        round_on(away, date(2061, 1, 15)).run()
