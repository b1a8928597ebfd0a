"""The rules of POST /mark: dates, school days, periods, enrolment, reasons; each refusal has its code and place."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.container import Container
from chalicelib.db.session import Database
from tests.api.client import Client
from tests.api.conftest import Bearer
from tests.api.steps import Drain, depth, mark, records, register
from tests.school import FIRST, PAST, TODAY, School, new_id

DAY = timedelta(days=1)


class Office:
    """The office of a new school with these settings, and a section of three."""

    def __init__(self, bearer: Bearer, database: Database, **settings: Any) -> None:
        self.school = School(database, **settings)
        self.section = self.school.section(students=3, teachers=["ann"])
        self.client: Client = bearer("office", tenant=self.school.tenant)

    def faults(self, body: dict[str, Any], code: str) -> set[tuple[str, str]]:
        """The faults of a refusal with this code."""
        answer = self.client.post("/mark", body)
        assert (answer.status, answer.code) == (422, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.faults

    def takes(self, body: dict[str, Any]) -> bool:
        """Whether the body is accepted."""
        return self.client.post("/mark", body).status == 202


@pytest.fixture(autouse=True)
def midday(container: Container) -> None:
    """Noon of the day on which the school was made: no test runs over midnight."""
    container.now = lambda: datetime.combine(TODAY, time(12), UTC)


@pytest.fixture
def make(bearer: Bearer, database: Database) -> Any:
    """Makes an Office with settings."""
    return lambda **settings: Office(bearer, database, **settings)


def test_date_in_future(make: Any, container: Container) -> None:
    """Tomorrow is refused, today is not."""
    here = make()
    assert here.faults(register(here.section, day=TODAY + DAY), "date_in_future") == {("/date", "date_in_future")}
    assert depth(container) == 0
    assert here.takes(register(here.section, day=TODAY))


def test_a_future_date_may_be_allowed(make: Any) -> None:
    """By the tenant's setting."""
    here = make(allow_future_date=True)
    assert here.takes(register(here.section, day=TODAY + 30 * DAY))


def test_date_too_old(make: Any, container: Container) -> None:
    """`backdate_days` counts calendar days; the last of them is still good."""
    here = make(backdate_days=3)
    assert here.faults(register(here.section, day=TODAY - 4 * DAY), "date_too_old") == {("/date", "date_too_old")}
    assert depth(container) == 0
    assert here.takes(register(here.section, day=TODAY - 3 * DAY))


def test_no_day_back(make: Any) -> None:
    """0 days back is today only."""
    here = make(backdate_days=0)
    here.faults(register(here.section, day=TODAY - DAY), "date_too_old")
    assert here.takes(register(here.section))


def test_date_outside_session(make: Any, container: Container) -> None:
    """A date that no academic session of the section holds; the session's first and last day are in it."""
    here = make(backdate_days=30, allow_future_date=True)
    term = here.school.session(TODAY - 5 * DAY, TODAY + 5 * DAY, "term")
    section = here.school.section(students=1, sessions=[term])
    for day in (TODAY - 6 * DAY, TODAY + 6 * DAY):
        assert here.faults(register(section, day=day), "date_outside_session") == {("/date", "date_outside_session")}
    assert depth(container) == 0
    assert here.takes(register(section, day=TODAY - 5 * DAY))
    assert here.takes(register(section, day=TODAY + 5 * DAY))


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_ends_of_the_calendar(day: date, make: Any) -> None:
    """Dates that nobody means are refused like any other."""
    here = make(allow_future_date=True, backdate_days=36_525)
    answer = here.client.post("/mark", register(here.section, day=day))
    assert answer.status == 422
    assert ("/date", "date_outside_session") in answer.faults


def test_the_session_named_must_hold_the_date(make: Any) -> None:
    """Also when another one would hold it."""
    here = make(backdate_days=30)
    term = here.school.session(TODAY - 20 * DAY, TODAY - 10 * DAY, "term")
    body = register(here.section, session_id=term)
    assert here.faults(body, "date_outside_session") == {("/date", "date_outside_session")}
    assert here.takes(register(here.section, session_id=term, day=TODAY - 10 * DAY))


def test_the_session_is_kept_with_the_mark(make: Any, drain: Drain) -> None:
    """The one that was named; without a name, the shortest that holds the date."""
    here = make()
    year = here.school.session_id
    term = here.school.session(TODAY - 5 * DAY, TODAY + 5 * DAY, "term")
    section = here.school.section(students=1, sessions=[year, term])
    kept = "select session_id::text from student_attendance where date = :date"
    mark(here.client, drain, register(section))
    mark(here.client, drain, register(section, day=TODAY - DAY, session_id=year))
    assert here.school.run(kept, date=TODAY)[0].session_id == term
    assert here.school.run(kept, date=TODAY - DAY)[0].session_id == year


def test_not_a_school_day(make: Any, container: Container) -> None:
    """A weekday without school, unless the calendar opens it; a day that the calendar closes."""
    weekday = TODAY.strftime("%a").upper()
    others = [day for day in ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN") if day != weekday]
    here = make(school_days=others)
    assert here.faults(register(here.section), "not_a_school_day") == {("/date", "not_a_school_day")}
    assert depth(container) == 0
    assert here.takes(register(here.section, day=TODAY - DAY))

    opened = make(school_days=others)
    opened.school.day(TODAY, is_school_day=True)
    assert opened.takes(register(opened.section))

    closed = make()
    closed.school.day(TODAY, is_school_day=False)
    closed.faults(register(closed.section), "not_a_school_day")

    school_opens = make()
    school_opens.school.day(TODAY, is_school_day=False)
    school_opens.school.day(TODAY, is_school_day=True, school_id=school_opens.school.id)
    assert school_opens.takes(register(school_opens.section))


def test_period_required(make: Any, container: Container) -> None:
    """In PERIOD mode."""
    here = make(attendance_mode="PERIOD")
    period = here.school.period()
    assert here.faults(register(here.section), "period_required") == {("/period_id", "period_required")}
    assert depth(container) == 0
    assert here.takes(register(here.section, period_id=period))


def test_period_not_allowed(make: Any, container: Container) -> None:
    """In DAILY mode."""
    here = make()
    body = register(here.section, period_id=here.school.period())
    assert here.faults(body, "period_not_allowed") == {("/period_id", "period_not_allowed")}
    assert depth(container) == 0


def test_a_mark_a_period(make: Any, drain: Drain) -> None:
    """In PERIOD mode a student has one mark for each period of a day."""
    here = make(attendance_mode="PERIOD")
    first, second = here.school.period(1), here.school.period(2)
    mark(here.client, drain, register(here.section, "PRESENT", period_id=first))
    mark(here.client, drain, register(here.section, "ABSENT", period_id=second))
    found = {(item["period_id"], item["status"]) for item in here.client.get("/records").json["items"]}
    assert found == {(first, "PRESENT"), (second, "ABSENT")}


def test_not_enrolled(make: Any, container: Container) -> None:
    """Strangers, students of another section, those who left before and those who come later."""
    here = make(backdate_days=30, allow_future_date=True)
    elsewhere = here.school.section(students=1)
    left, comes = here.school.students(2)
    here.school.enroll(here.section.id, [left], FIRST, TODAY)
    here.school.enroll(here.section.id, [comes], TODAY + DAY, PAST)
    wrong = [new_id(), elsewhere.students[0], left, comes]
    body = register(here.section, records=records([*here.section.students, *wrong]))
    assert here.faults(body, "not_enrolled") == {(f"/records/{n}/student_id", "not_enrolled") for n in (3, 4, 5, 6)}
    assert depth(container) == 0
    assert here.takes(register(here.section, day=TODAY - DAY, records=records([left])))
    assert here.takes(register(here.section, day=TODAY + DAY, records=records([comes])))


def test_duplicate_student(make: Any, container: Container) -> None:
    """The second and third time are told, whatever the case of the letters."""
    here = make()
    first, second, _ = here.section.students
    body = register(here.section, records=records([first, second, first, first.upper()]))
    assert here.faults(body, "duplicate_student") == {
        ("/records/2/student_id", "duplicate_student"),
        ("/records/3/student_id", "duplicate_student"),
    }
    assert depth(container) == 0


def test_reason_required(make: Any, drain: Drain, container: Container) -> None:
    """For those whose mark would change, if the tenant asks for reasons; the first mark and the same mark need none."""
    here = make(correction_reason_required=True)
    first, second, third = here.section.students
    mark(here.client, drain, register(here.section, records=records([first, second])))

    body = register(here.section, records=[*records([third, first], "ABSENT"), *records([second])])
    assert here.faults(body, "reason_required") == {("/records/1", "reason_required")}
    assert depth(container) == 0

    assert (
        mark(here.client, drain, register(here.section, records=records([first, second])))["result"]["unchanged"] == 2
    )
    result = mark(here.client, drain, body | {"reason": "Came by the late bus"})["result"]
    assert (result["applied"], result["unchanged"]) == (2, 1)


def test_a_reason_is_asked_of_none_by_default(make: Any, drain: Drain) -> None:
    """A tenant that does not ask for reasons lets marks be changed without one."""
    here = make()
    mark(here.client, drain, register(here.section, "PRESENT"))
    assert mark(here.client, drain, register(here.section, "ABSENT"))["result"]["applied"] == 3


def test_a_correction_that_slipped_past_the_door(make: Any, drain: Drain) -> None:
    """Two first marks at once: the drain rejects the one that would have been a correction without a reason."""
    here = make(correction_reason_required=True)
    jobs = [here.client.post("/mark", register(here.section, status)).json["jobId"] for status in ("PRESENT", "ABSENT")]
    drain()
    results = [here.client.get(f"/jobs/{job}").json["result"] for job in jobs]
    assert results[0]["applied"] == 3
    rejected = [{"student_id": student, "code": "reason_required"} for student in here.section.students]
    assert results[1] == {"applied": 0, "unchanged": 0, "superseded": 0, "rejected": rejected}


def test_today_is_the_tenants_own(make: Any, container: Container) -> None:
    """At 23:30 UTC it is tomorrow in Auckland, and still yesterday's afternoon in Honolulu at 00:30."""
    late = datetime.combine(TODAY, time(23, 30), UTC)
    container.now = lambda: late
    auckland, utc = make(timezone="Pacific/Auckland"), make()
    assert auckland.takes(register(auckland.section, day=TODAY + DAY))
    utc.faults(register(utc.section, day=TODAY + DAY), "date_in_future")


def test_yesterday_is_the_tenants_own_too(make: Any, container: Container) -> None:
    """Half an hour after midnight UTC, today is in the future in Honolulu, and yesterday is not past there."""
    early = datetime.combine(TODAY, time(0, 30), UTC)
    container.now = lambda: early
    honolulu = make(timezone="Pacific/Honolulu", backdate_days=0)
    honolulu.faults(register(honolulu.section, day=TODAY), "date_in_future")
    assert honolulu.takes(register(honolulu.section, day=TODAY - DAY))


def test_several_rules_at_once(make: Any, container: Container) -> None:
    """Each breach is told; the problem's code is that of the first, the date's before the period's."""
    here = make(backdate_days=1)
    body = register(here.section, day=date(2000, 1, 1), period_id=here.school.period())
    body["records"] += [*records(here.section.students[:1]), *records([new_id()])]
    assert here.faults(body, "date_too_old") == {
        ("/date", "date_too_old"),
        ("/date", "date_outside_session"),
        ("/period_id", "period_not_allowed"),
        ("/records/3/student_id", "duplicate_student"),
        ("/records/4/student_id", "not_enrolled"),
    }
    assert depth(container) == 0


def test_one_fault_is_told_in_the_detail(make: Any) -> None:
    """A problem with one fault says at once which it is, with the dates that matter."""
    here = make()
    problem = here.client.post("/mark", register(here.section, day=TODAY + DAY)).json
    assert problem["detail"] == problem["errors"][0]["detail"] == f"{TODAY + DAY} is after today, {TODAY}."
