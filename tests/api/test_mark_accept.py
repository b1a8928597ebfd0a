"""What is accepted: the answer, who may mark what and when, corrections, and what accepting costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from redis.connection import AbstractConnection

import app
from chalicelib.api.doors import BASE
from chalicelib.container import Container
from tests.api.client import Client
from tests.api.conftest import Bearer
from tests.api.steps import Drain, depth, mark, records, register
from tests.school import FIRST, PAST, TODAY, School, Section

DAY = timedelta(days=1)


def test_the_answer(ann: Client, maths: Section, container: Container) -> None:
    """202 with the job, waiting, and where to follow it; one job is on the list."""
    answer = ann.post("/mark", register(maths))
    assert answer.status == 202
    job = answer.json["jobId"]
    assert UUID(job).version == 7
    assert answer.json == {"jobId": job, "state": "waiting", "total": 3, "statusUrl": f"{BASE}/jobs/{job}"}
    assert answer.headers["location"] == f"{BASE}/jobs/{job}"
    assert answer.headers["content-type"] == "application/json"
    assert depth(container) == 1


def test_the_contracts_example(ann: Client, maths: Section, drain: Drain) -> None:
    """A register with a present and an absent student is applied, and the marks can be read."""
    first, second, _ = maths.students
    body = {
        "date": str(TODAY), "section_id": maths.id, "period_id": None, "reason": None,
        "records": [
            {"student_id": first, "status": "PRESENT"},
            {"student_id": second, "status": "ABSENT", "remarks": "Sick"},
        ],
    }  # fmt: skip
    job = mark(ann, drain, body)
    assert job["result"] == {"applied": 2, "unchanged": 0, "superseded": 0, "rejected": []}
    told = {item["student_id"]: (item["status"], item["remarks"]) for item in ann.get("/records").json["items"]}
    assert told == {first: ("PRESENT", None), second: ("ABSENT", "Sick")}


def test_every_status(office: Client, school: School, drain: Drain) -> None:
    """PRESENT, ABSENT, LATE and EXCUSED."""
    section = school.section(students=4)
    statuses = ["PRESENT", "ABSENT", "LATE", "EXCUSED"]
    body = register(section)
    for record, status in zip(body["records"], statuses, strict=True):
        record["status"] = status
    mark(office, drain, body)
    told = {item["student_id"]: item["status"] for item in office.get("/records").json["items"]}
    assert [told[student] for student in section.students] == statuses


class TestTeachers:
    """A teacher marks own sections, on the dates of the teaching."""

    def test_own_section_only(self, ann: Client, school: School, maths: Section, container: Container) -> None:
        """Another teacher's section is forbidden, also with good records of the own."""
        elsewhere = school.section(students=1, teachers=["bob"])
        for body in (register(elsewhere), register(elsewhere, records=records(maths.students))):
            answer = ann.post("/mark", body)
            assert (answer.status, answer.code) == (403, "forbidden")
        assert depth(container) == 0
        assert ann.post("/mark", register(maths)).status == 202

    def test_by_the_id_of_the_staff_member(self, bearer: Bearer, school: School, maths: Section) -> None:
        """A token may name the teacher by the source's id or by ours."""
        staff = school.staff("dora")
        school.teach(maths.id, staff)
        assert bearer("teacher", staff).post("/mark", register(maths)).status == 202
        assert bearer("teacher", "dora").post("/mark", register(maths)).status == 202

    def test_a_substitute(self, bearer: Bearer, school: School, maths: Section) -> None:
        """From the first day of the substitution to the last, and not beyond."""
        school.teach(maths.id, school.staff("sub"), "substitute", TODAY - 2 * DAY, TODAY)
        substitute = bearer("teacher", "sub")
        dates = [TODAY - n * DAY for n in (3, 2, 1, 0)]
        assert [substitute.post("/mark", register(maths, day=day)).status for day in dates] == [403, 202, 202, 403]

    def test_one_who_has_left_the_section(self, bearer: Bearer, school: School, maths: Section) -> None:
        """May still correct the days of the own teaching, not the days after."""
        school.teach(maths.id, school.staff("was"), "teacher", FIRST, TODAY)
        teacher = bearer("teacher", "was")
        assert teacher.post("/mark", register(maths, day=TODAY - DAY)).status == 202
        assert teacher.post("/mark", register(maths)).status == 403

    def test_an_aide(self, bearer: Bearer, school: School, maths: Section) -> None:
        """Helps in the section and does not mark it."""
        school.teach(maths.id, school.staff("aide"), "aide")
        assert bearer("teacher", "aide").post("/mark", register(maths)).status == 403

    def test_no_list_without_a_section(self, ann: Client, maths: Section, container: Container) -> None:
        """Only the office marks across sections."""
        for body in (register(maths, section_id=None), {k: v for k, v in register(maths).items() if k != "section_id"}):
            answer = ann.post("/mark", body)
            assert (answer.status, answer.code) == (403, "forbidden")
        assert depth(container) == 0


@pytest.mark.parametrize("role", ["admin", "office", "service"])
def test_the_office_marks_any_section_or_none(
    role: str, bearer: Bearer, school: School, maths: Section, container: Container
) -> None:
    """A list across sections needs each student to be enrolled somewhere on that date."""
    other = school.section(students=2)
    [left] = school.students(1)
    school.enroll(maths.id, [left], FIRST, TODAY)
    client = bearer(role)
    everybody = [*maths.students, *other.students]
    body = {"date": str(TODAY), "records": records(everybody)}
    assert client.post("/mark", register(other)).status == 202
    assert client.post("/mark", body).status == 202
    answer = client.post("/mark", body | {"records": records([*everybody, left])})
    assert (answer.status, answer.faults) == (422, {("/records/5/student_id", "not_enrolled")})


def test_a_list_across_sections_is_applied(office: Client, school: School, maths: Section, drain: Drain) -> None:
    """Its marks name no section."""
    other = school.section(students=1)
    body = {"date": str(TODAY), "records": records([*maths.students, *other.students])}
    assert mark(office, drain, body)["result"]["applied"] == 4
    assert {item["section_id"] for item in office.get("/records").json["items"]} == {None}


def test_a_correction(ann: Client, office: Client, maths: Section, drain: Drain) -> None:
    """A mark with a reason: the new status stands, the change is on record with its reason and author."""
    mark(ann, drain, register(maths, "ABSENT"))
    job = mark(office, drain, register(maths, "EXCUSED", reason="A note from home"))
    assert job["result"] == {"applied": 3, "unchanged": 0, "superseded": 0, "rejected": []}
    for item in office.get("/records").json["items"]:
        assert (item["status"], item["reason"], item["version"]) == ("EXCUSED", "A note from home", 2)
        assert (item["marked_by"], item["job_id"]) == ("the-office", job["jobId"])
    changes = office.get("/audit").json["items"]
    assert {(one["before"]["status"], one["after"]["status"], one["reason"]) for one in changes} == {
        ("ABSENT", "EXCUSED", "A note from home")
    }


def test_marks_that_say_the_same_change_nothing(ann: Client, maths: Section, drain: Drain) -> None:
    """`unchanged` for each, and no version more."""
    mark(ann, drain, register(maths))
    assert mark(ann, drain, register(maths))["result"] == {
        "applied": 0, "unchanged": 3, "superseded": 0, "rejected": []
    }  # fmt: skip
    assert {item["version"] for item in ann.get("/records").json["items"]} == {1}


def test_the_newest_submission_wins(ann: Client, maths: Section, drain: Drain, container: Container) -> None:
    """An older job that is written late is `superseded`."""
    older = ann.post("/mark", register(maths, "ABSENT")).json["jobId"]
    [held] = container.queue.claim(max_jobs=1, max_records=100, lease_ms=60_000)
    mark(ann, drain, register(maths, "PRESENT"))
    container.queue.release([held])
    drain()
    result = ann.get(f"/jobs/{older}").json["result"]
    assert result == {"applied": 0, "unchanged": 0, "superseded": 3, "rejected": []}
    assert {item["status"] for item in ann.get("/records").json["items"]} == {"PRESENT"}


def test_a_student_who_left_before_the_drain(ann: Client, school: School, maths: Section, drain: Drain) -> None:
    """Is told in the result; the others are applied."""
    job = ann.post("/mark", register(maths)).json["jobId"]
    school.leave(maths.students[1])
    drain()
    result = ann.get(f"/jobs/{job}").json["result"]
    rejected = [{"student_id": maths.students[1], "code": "not_enrolled"}]
    assert result == {"applied": 2, "unchanged": 0, "superseded": 0, "rejected": rejected}


@pytest.fixture
def round_trips() -> Iterator[list[Any]]:
    """Everything that is sent to Redis while the fixture lives, one element a round trip."""
    sent: list[Any] = []
    send: Callable[..., Any] = AbstractConnection.send_packed_command

    def note(self: AbstractConnection, command: Any, check_health: bool = True) -> Any:
        sent.append(command)
        return send(self, command, check_health)

    with patch.object(AbstractConnection, "send_packed_command", note):
        yield sent


@pytest.mark.parametrize("body", ["register", "list", "with a key"])
def test_a_warm_request_is_two_round_trips(
    body: str, office: Client, maths: Section, away: Any, round_trips: list[Any]
) -> None:
    """One to Redis for rules and register, one to push; Postgres is not even looked for."""
    whole = register(maths, section_id=None) if body == "list" else register(maths)
    office.post("/mark", whole)
    away("postgres")
    office.post("/mark", whole)  # this Lambda environment is new: it connects
    round_trips.clear()
    headers: dict[str, Any] = {"idempotency_key": "k"} if body == "with a key" else {}
    assert office.post("/mark", whole, **headers).status == 202
    assert len(round_trips) == 2
    assert "database" not in vars(app.container())


def test_a_cold_cache_is_filled_from_postgres(
    ann: Client, school: School, maths: Section, container: Container
) -> None:
    """The first request after Redis lost everything is accepted, and the next finds a warm cache."""
    assert ann.post("/mark", register(maths)).status == 202
    container.redis.flushdb()
    assert ann.post("/mark", register(maths)).status == 202
    assert container.redis.exists(f"roster:{{{school.tenant}}}")


def test_the_doorbell_is_rung_once(ann: Client, maths: Section, container: Container) -> None:
    """Two registers in the same moment wake one drain."""
    rung: list[None] = []

    class Bell:
        def ring(self, shard: int) -> None:
            rung.append(None)

    container.doorbell = Bell()
    assert ann.post("/mark", register(maths)).status == 202
    assert ann.post("/mark", register(maths)).status == 202
    assert len(rung) == 1


def test_enrolment_is_judged_by_the_date(office: Client, school: School, maths: Section) -> None:
    """A student who changes section is marked in the old one up to the day, in the new one from the day on."""
    new = school.section()
    [mover] = school.students(1)
    school.enroll(maths.id, [mover], FIRST, TODAY)
    school.enroll(new.id, [mover], TODAY, PAST)
    answers = [
        office.post("/mark", {"date": str(day), "section_id": section.id, "records": records([mover])}).status
        for section in (maths, new)
        for day in (TODAY - DAY, TODAY)
    ]
    assert answers == [202, 422, 422, 202]
