"""Two tenants: what the other owns is not found, and looks like what nobody has."""

from __future__ import annotations

import pytest

from chalicelib.container import Container
from chalicelib.db.session import Database
from tests.api.client import Answer, Client
from tests.api.conftest import Bearer
from tests.api.steps import Drain, depth, mark, records, register
from tests.school import TODAY, School, Section, new_id


@pytest.fixture
def other(database: Database) -> School:
    """Another tenant."""
    return School(database)


@pytest.fixture
def theirs(other: School) -> Section:
    """A section of the other tenant; a teacher called Ann is there too."""
    return other.section(students=2, teachers=["ann"])


@pytest.fixture
def their_job(bearer: Bearer, other: School, theirs: Section, drain: Drain) -> str:
    """A job of the other tenant that has ended, with a change of a mark, so that everything of theirs is filled."""
    office = bearer("office", tenant=other.tenant)
    mark(office, drain, register(theirs))
    staff = {"date": str(TODAY), "records": [{"staff_id": other.staff("cleo"), "status": "PRESENT"}]}
    mark(office, drain, staff, "/staff/mark")
    return str(mark(office, drain, register(theirs, "ABSENT", reason="late bus"))["jobId"])


def alike(one: Answer, unknown: Answer) -> bool:
    """Whether two refusals tell the same, but for the number of the request."""
    return {**one.json, "instance": ""} == {**unknown.json, "instance": ""}


@pytest.mark.parametrize("client", ["ann", "office"])
def test_a_section(client: str, request: pytest.FixtureRequest, theirs: Section, container: Container) -> None:
    """404 for the office and for a teacher of the same name, just as for a section that nobody has."""
    caller: Client = request.getfixturevalue(client)
    answer = caller.post("/mark", register(theirs))
    assert (answer.status, answer.code, answer.faults) == (404, "not_found", {("/section_id", "not_found")})
    assert alike(answer, caller.post("/mark", register(theirs, section_id=new_id())))
    assert depth(container) == 0


def test_a_student_in_a_record(office: Client, maths: Section, theirs: Section, container: Container) -> None:
    """`not_enrolled`, at the record that names the student."""
    body = register(maths, records=[*records(maths.students), *records(theirs.students[:1])])
    answer = office.post("/mark", body)
    assert (answer.status, answer.faults) == (422, {("/records/3/student_id", "not_enrolled")})
    listed = office.post("/mark", register(maths, section_id=None, records=records(theirs.students)))
    assert (listed.status, listed.code) == (422, "not_enrolled")
    assert depth(container) == 0


def test_a_staff_member_in_a_record(office: Client, other: School, school: School) -> None:
    """`not_enrolled`, too."""
    answer = office.post(
        "/staff/mark", {"date": str(TODAY), "records": [{"staff_id": other.staff(), "status": "LATE"}]}
    )
    assert (answer.status, answer.faults) == (422, {("/records/0/staff_id", "not_enrolled")})


def test_an_academic_session(office: Client, maths: Section, other: School) -> None:
    """404, just as for one that nobody has."""
    answer = office.post("/mark", register(maths, session_id=other.session_id))
    assert (answer.status, answer.code, answer.faults) == (404, "not_found", {("/session_id", "not_found")})
    assert alike(answer, office.post("/mark", register(maths, session_id=new_id())))


def test_a_period(bearer: Bearer, database: Database, other: School) -> None:
    """404, just as for one that nobody has."""
    school = School(database, attendance_mode="PERIOD")
    office, section = bearer("office", tenant=school.tenant), school.section(students=1)
    answer = office.post("/mark", register(section, period_id=other.period()))
    assert (answer.status, answer.code, answer.faults) == (404, "not_found", {("/period_id", "not_found")})
    assert alike(answer, office.post("/mark", register(section, period_id=new_id())))


@pytest.mark.parametrize("forgotten", [False, True], ids=["in Redis", "in the ledger only"])
def test_a_job(forgotten: bool, office: Client, their_job: str, container: Container) -> None:
    """404 whatever one wants of it."""
    if forgotten:
        container.redis.flushdb()
    for answer in (
        office.get(f"/jobs/{their_job}"),
        office.delete(f"/jobs/{their_job}"),
        office.post(f"/jobs/{their_job}/retry"),
    ):
        assert (answer.status, answer.code) == (404, "not_found")
    assert alike(office.get(f"/jobs/{their_job}"), office.get(f"/jobs/{new_id()}"))


def test_a_job_that_waits_is_not_cancelled_by_strangers(
    bearer: Bearer, office: Client, other: School, theirs: Section, drain: Drain
) -> None:
    """It is applied all the same."""
    their_office = bearer("office", tenant=other.tenant)
    job = their_office.post("/mark", register(theirs)).json["jobId"]
    assert office.delete(f"/jobs/{job}").status == 404
    drain()
    assert their_office.get(f"/jobs/{job}").json["state"] == "completed"


def test_reading_by_id(office: Client, theirs: Section, their_job: str) -> None:
    """404 for a roster, a history, the records of a section."""
    student = theirs.students[0]
    assert office.get(f"/sections/{theirs.id}/roster").status == 404
    assert office.get(f"/students/{student}/history").status == 404
    assert office.get("/records", {"section_id": theirs.id}).status == 404


def test_lists_hold_the_own_tenant_only(
    office: Client, school: School, other: School, theirs: Section, their_job: str
) -> None:
    """Nothing of theirs is listed, asked for by name or not."""
    for path in (
        "/records",
        "/staff/records",
        "/audit",
        "/jobs",
        "/sections",
        "/staff",
        "/periods",
        "/settings/history",
    ):
        assert office.get(path).json["items"] == [], path
    assert [one["id"] for one in office.get("/sessions").json["items"]] == [school.session_id]
    assert office.get("/records", {"student_id": theirs.students[0]}).json["items"] == []
    assert office.get("/audit", {"student_id": theirs.students[0]}).json["items"] == []


def test_a_cursor_of_theirs_leads_nowhere(
    bearer: Bearer, office: Client, other: School, their_job: str, maths: Section, drain: Drain
) -> None:
    """A cursor is a place in the own list, whoever made it."""
    mark(office, drain, register(maths))
    cursor = bearer("office", tenant=other.tenant).get("/records", {"limit": 1}).json["next_cursor"]
    items = office.get("/records", {"cursor": cursor}).json["items"]
    assert {item["student_id"] for item in items} <= set(maths.students)


def test_an_idempotency_key_of_theirs(
    bearer: Bearer, other: School, maths: Section, theirs: Section, office: Client
) -> None:
    """The same key in two tenants makes two jobs."""
    ours = office.post("/mark", register(maths), idempotency_key="k")
    job = bearer("office", tenant=other.tenant).post("/mark", register(theirs), idempotency_key="k")
    assert (ours.status, job.status) == (202, 202)
    assert ours.json["jobId"] != job.json["jobId"]


def test_a_tenant_that_nobody_knows(bearer: Bearer, maths: Section, container: Container) -> None:
    """404 for its settings and its marks, empty lists."""
    stranger = bearer("admin", tenant=new_id())
    assert stranger.get("/settings").status == 404
    assert stranger.post("/mark", register(maths)).status == 404
    assert stranger.post("/mark", register(maths, section_id=None)).status == 404
    assert stranger.get("/records").json == {"items": [], "next_cursor": None}
    assert depth(container) == 0
