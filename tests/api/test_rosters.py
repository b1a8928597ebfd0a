"""Sections, rosters, staff, academic sessions, periods: who there is to mark, each caller within the own reach."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.container import Container
from tests.api.client import Client
from tests.api.conftest import Bearer
from tests.api.steps import Drain, mark, records, register
from tests.school import FIRST, PAST, TODAY, School, Section, new_id

DAY = timedelta(days=1)


def ids(client: Client, path: str, **query: Any) -> list[str]:
    """The ids listed."""
    return [item["id"] for item in client.get(path, query).json["items"]]


class TestSections:
    """GET /sections."""

    def test_a_section(self, office: Client, school: School, maths: Section) -> None:
        """Every field of the contract, and what else is known of it."""
        assert office.get("/sections").json == {
            "items": [
                {
                    "id": maths.id, "name": "7b", "kind": "homeroom", "school_id": school.id,
                    "session_id": school.session_id, "session_ids": [school.session_id], "period_ids": [],
                    "code": None, "course": None,
                }
            ],
            "next_cursor": None,
        }  # fmt: skip

    def test_whose(self, ann: Client, office: Client, bearer: Bearer, school: School, maths: Section) -> None:
        """A teacher's own; all for the office; none for who teaches nothing."""
        other = school.section(teachers=["bob"])
        school.teach(other.id, school.staff("aide"), "aide")
        assert ids(ann, "/sections") == [maths.id]
        assert set(ids(office, "/sections")) == set(ids(bearer("service"), "/sections")) == {maths.id, other.id}
        assert ids(bearer("staff", "aide"), "/sections") == [other.id]
        assert ids(bearer("guardian", "ann"), "/sections") == ids(bearer("teacher", "nobody"), "/sections") == []

    def test_one_that_is_given_up(self, office: Client, school: School, maths: Section) -> None:
        """Is not listed any more."""
        school.run("update section set active = false where id = :id", id=maths.id)
        assert ids(office, "/sections") == []


class TestRoster:
    """GET /sections/{id}/roster."""

    def test_today(self, ann: Client, maths: Section) -> None:
        """The students by family name; a register that was not taken has no marks."""
        roster = ann.get(f"/sections/{maths.id}/roster").json
        assert (roster["section_id"], roster["date"]) == (maths.id, str(datetime.now(UTC).date()))
        assert roster["students"] == [
            {"id": student, "given_name": "Kim", "family_name": f"Student {n:05}", "mark": None}
            for n, student in enumerate(maths.students)
        ]

    def test_with_marks(self, ann: Client, maths: Section, drain: Drain) -> None:
        """Of the date that is asked for, as they stand."""
        first, second, third = maths.students
        body = register(maths, records=[*records([first], "LATE", late_minutes=3), *records([second], "ABSENT")])
        job = mark(ann, drain, body)
        students = ann.get(f"/sections/{maths.id}/roster", {"date": TODAY}).json["students"]
        marks = {student["id"]: student["mark"] for student in students}
        assert marks[first] == {
            "status": "LATE", "late_minutes": 3, "remarks": None, "marked_by": "ann", "version": 1,
            "marked_at": job["submittedAt"], "job_id": job["jobId"],
        }  # fmt: skip
        assert (marks[second]["status"], marks[third]) == ("ABSENT", None)
        yesterday = ann.get(f"/sections/{maths.id}/roster", {"date": TODAY - DAY}).json
        assert (yesterday["date"], {student["mark"] for student in yesterday["students"]}) == (str(TODAY - DAY), {None})

    def test_by_date_of_enrolment(self, ann: Client, office: Client, school: School, maths: Section) -> None:
        """Who left is on it up to the day, who comes from the day on."""
        left, comes = school.students(2)
        school.enroll(maths.id, [left], FIRST, TODAY)
        school.enroll(maths.id, [comes], TODAY, PAST)

        def on(day: date) -> set[str]:
            students = ann.get(f"/sections/{maths.id}/roster", {"date": day}).json["students"]
            return {student["id"] for student in students} - set(maths.students)

        assert (on(TODAY - DAY), on(TODAY)) == ({left}, {comes})
        for day in (date.min, date.max):
            assert office.get(f"/sections/{maths.id}/roster", {"date": day}).json["students"] == []

    def test_by_period(self, office: Client, school: School, maths: Section, drain: Drain) -> None:
        """Each period has its own marks."""
        school.run("update attendance_settings set attendance_mode = 'PERIOD'")
        first, second = school.period(1), school.period(2)
        mark(office, drain, register(maths, "ABSENT", period_id=first))

        def marks(**query: Any) -> set[str | None]:
            students = office.get(f"/sections/{maths.id}/roster", query).json["students"]
            return {student["mark"] and student["mark"]["status"] for student in students}

        assert (marks(period_id=first), marks(period_id=second), marks()) == ({"ABSENT"}, {None}, {None})

    def test_today_is_the_tenants_own(
        self, office: Client, school: School, maths: Section, container: Container
    ) -> None:
        """In Auckland it is tomorrow before it is so in UTC."""
        school.run("update attendance_settings set timezone = 'Pacific/Auckland'")
        container.now = lambda: datetime.combine(TODAY, time(23, 30), UTC)
        assert office.get(f"/sections/{maths.id}/roster").json["date"] == str(TODAY + DAY)

    def test_another_teachers(self, ann: Client, school: School) -> None:
        """403."""
        other = school.section(teachers=["bob"])
        answer = ann.get(f"/sections/{other.id}/roster")
        assert (answer.status, answer.code) == (403, "forbidden")

    @pytest.mark.parametrize("id_", [new_id(), "7b", "00000000-0000-0000-0000-000000000000"], ids=["new", "7b", "nil"])
    def test_one_that_nobody_knows(self, id_: str, office: Client, ann: Client) -> None:
        """404 for the office and for a teacher."""
        for client in (office, ann):
            answer = client.get(f"/sections/{id_}/roster")
            assert (answer.status, answer.code) == (404, "not_found")

    @pytest.mark.parametrize("query", [{"date": "today"}, {"period_id": "1"}, {"day": "2026-02-11"}], ids=str)
    def test_a_wrong_question(self, query: dict[str, str], office: Client, maths: Section) -> None:
        """422, naming the parameter."""
        answer = office.get(f"/sections/{maths.id}/roster", query)
        assert (answer.status, [where for where, _ in answer.faults]) == (422, list(query))


class TestStaff:
    """GET /staff."""

    def test_whose(self, ann: Client, office: Client, bearer: Bearer, school: School, maths: Section) -> None:
        """All for the office, oneself for anybody else; not those who are gone."""
        cleo = school.staff("cleo", "office")
        school.staff("gone", active=False)
        assert len(ids(office, "/staff")) == 2
        [me] = ann.get("/staff").json["items"]
        assert me == {
            "id": me["id"], "source_id": "ann", "given_name": "Ann", "family_name": "Staff", "email": None,
            "job": "teacher", "school_id": None,
        }  # fmt: skip
        assert ids(bearer("staff", "cleo"), "/staff") == [cleo]
        assert ids(bearer("guardian", "nobody"), "/staff") == []


class TestSessionsAndPeriods:
    """GET /sessions and GET /periods."""

    def test_sessions(self, bearer: Bearer, school: School) -> None:
        """By their first day, with the last day included."""
        term = school.session(TODAY, TODAY + DAY, "term")
        items = bearer("guardian").get("/sessions").json["items"]
        assert [item["id"] for item in items] == [school.session_id, term]
        assert items[1] == {
            "id": term, "title": "term", "kind": "term", "start_date": str(TODAY), "end_date": str(TODAY + DAY),
            "parent_id": None, "school_year": None,
        }  # fmt: skip

    def test_periods(self, bearer: Bearer, school: School) -> None:
        """In the order of the day."""
        last, first = school.period(2), school.period(1)
        assert bearer("staff").get("/periods").json["items"] == [
            {"id": first, "name": "Period 1", "sequence": 1},
            {"id": last, "name": "Period 2", "sequence": 2},
        ]


LISTS: dict[str, Callable[[School], object]] = {
    "/sections": lambda school: school.section(),
    "/staff": lambda school: school.staff(),
    "/sessions": lambda school: school.session(FIRST, PAST),
    "/periods": lambda school: school.period(),
}


@pytest.mark.parametrize("path", LISTS)
def test_pages(path: str, office: Client, school: School) -> None:
    """Things of the same name, date or number are told apart: each is listed once."""
    for _ in range(5):
        LISTS[path](school)
    whole = ids(office, path)
    assert len(whole) == len(set(whole)) >= 5
    pages: list[str] = []
    cursor: dict[str, Any] = {}
    for _ in whole:
        page = office.get(path, {"limit": 1, **cursor}).json
        pages += [item["id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert pages == whole
    assert cursor == {"cursor": None}


def test_long_names_in_any_script(office: Client, school: School) -> None:
    """The cursor carries the name: 255 characters of four bytes each still make a page after page."""
    sections = {school.section().id for _ in range(3)}
    school.run("update section set name = :name", name="🎓" * 255)
    first = office.get("/sections", {"limit": 2}).json
    second = office.get("/sections", {"limit": 2, "cursor": first["next_cursor"]})
    assert second.status == 200
    assert {item["id"] for item in (*first["items"], *second.json["items"])} == sections


def test_a_teacher_sees_the_register_on_the_dates_of_the_teaching_only(bearer: Bearer, school: School) -> None:
    """Who taught a section last term is not told who sits in it today."""
    section = school.section(students=2)
    staff = school.staff("former")
    school.teach(section.id, staff, "substitute", TODAY - 20 * DAY, TODAY - 10 * DAY)
    former = bearer("teacher", "former")
    roster = f"/sections/{section.id}/roster"
    assert former.get(roster, {"date": str(TODAY - 15 * DAY)}).status == 200
    assert former.get(roster, {"date": str(TODAY - 10 * DAY)}).status == 403
    assert former.get(roster).status == 403
