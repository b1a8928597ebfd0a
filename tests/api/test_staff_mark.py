"""POST /staff/mark: staff are marked once a day, with the times at which they came and went."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.container import Container
from chalicelib.db.session import Database
from tests.api.client import Client
from tests.api.conftest import Bearer
from tests.api.steps import Drain, depth, mark
from tests.school import TODAY, School, new_id


def staff_body(*ids: str, **more: Any) -> dict[str, Any]:
    """A body that marks these present."""
    return {"date": str(TODAY), "records": [{"staff_id": one, "status": "PRESENT", **more} for one in ids]}


def test_marked_with_times(office: Client, school: School, drain: Drain) -> None:
    """202, applied, and read back with the times as they are told: to the second."""
    cleo = school.staff("cleo", "office")
    job = mark(office, drain, staff_body(cleo, check_in="07:45", check_out="16:30:15"), "/staff/mark")
    assert (job["kind"], job["result"]["applied"]) == ("staff", 1)
    [record] = office.get("/staff/records").json["items"]
    assert (record["staff_id"], record["check_in"], record["check_out"]) == (cleo, "07:45:00", "16:30:15")


def test_not_by_period(bearer: Bearer, database: Database, drain: Drain) -> None:
    """Once a day, also where students are marked by period."""
    school = School(database, attendance_mode="PERIOD")
    office = bearer("office", tenant=school.tenant)
    assert mark(office, drain, staff_body(school.staff()), "/staff/mark")["result"]["applied"] == 1
    answer = office.post("/staff/mark", staff_body(school.staff(), period_id=school.period()))
    assert answer.status == 422


WRONG: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "a time that is none": ({"check_in": "25:00"}, {("/records/0/check_in", "invalid_time")}),
    "a time with a zone": ({"check_in": "08:00Z"}, {("/records/0/check_in", "invalid_time")}),
    "a time in words": ({"check_out": "noon"}, {("/records/0/check_out", "invalid_time")}),
    "a number for a time": ({"check_out": 8}, {("/records/0/check_out", "invalid_time")}),
    "a student": ({"student_id": new_id()}, {("/records/0/student_id", "unknown_field")}),
    "a section": ({"section_id": new_id()}, {("/records/0/section_id", "unknown_field")}),
}


@pytest.mark.parametrize(("change", "faults"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_record(
    change: dict[str, Any], faults: set[tuple[str, str]], office: Client, school: School, container: Container
) -> None:
    """422 with its place, and nothing is queued."""
    answer = office.post("/staff/mark", staff_body(school.staff(), **change))
    assert (answer.status, answer.code, answer.faults) == (422, "validation_failed", faults)
    assert depth(container) == 0


def test_strangers_and_those_named_twice(office: Client, school: School, container: Container) -> None:
    """Who is not on the staff, or not any more, is `not_enrolled`; the second time is `duplicate_staff`."""
    cleo, gone = school.staff(), school.staff(active=False)
    answer = office.post("/staff/mark", staff_body(cleo, gone, new_id(), cleo))
    assert (answer.status, answer.code) == (422, "duplicate_staff")
    assert answer.faults == {
        ("/records/1/staff_id", "not_enrolled"),
        ("/records/2/staff_id", "not_enrolled"),
        ("/records/3/staff_id", "duplicate_staff"),
    }
    assert depth(container) == 0


def test_the_rules_of_dates_hold(office: Client, school: School) -> None:
    """As for students."""
    body = staff_body(school.staff())
    for days, code in ((1, "date_in_future"), (-8, "date_too_old")):
        answer = office.post("/staff/mark", body | {"date": str(TODAY + timedelta(days=days))})
        assert (answer.status, answer.code) == (422, code)


def test_a_correction_needs_a_reason_where_it_is_asked_for(bearer: Bearer, database: Database, drain: Drain) -> None:
    """And is on record afterwards, times included."""
    school = School(database, correction_reason_required=True)
    office, cleo = bearer("office", tenant=school.tenant), school.staff()
    mark(office, drain, staff_body(cleo, check_in="07:45"), "/staff/mark")
    later = staff_body(cleo, check_in="08:10")
    answer = office.post("/staff/mark", later)
    assert (answer.code, answer.faults) == ("reason_required", {("/records/0", "reason_required")})
    mark(office, drain, later | {"reason": "The clock was wrong"}, "/staff/mark")
    [change] = office.get("/audit", {"staff_id": cleo}).json["items"]
    assert (change["before"]["check_in"], change["after"]["check_in"]) == ("07:45:00", "08:10:00")
    assert (change["staff_id"], change["student_id"], change["reason"]) == (cleo, None, "The clock was wrong")


def test_an_idempotency_key(office: Client, school: School) -> None:
    """The same key and body, the same job."""
    body = staff_body(school.staff())
    jobs = {office.post("/staff/mark", body, idempotency_key="k").json["jobId"] for _ in range(3)}
    assert len(jobs) == 1
