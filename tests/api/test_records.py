"""GET /records and GET /staff/records: marks as they stand, narrowed, in pages that lose and repeat nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.container import Container
from tests.api.client import Client
from tests.api.conftest import Bearer
from tests.api.steps import Drain, mark, records, register
from tests.school import TODAY, School, Section, new_id

DAY = timedelta(days=1)


def all_pages(client: Client, path: str, query: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The items of each page, to the end."""
    pages: list[list[dict[str, Any]]] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = client.get(path, query | cursor)
        assert answer.status == 200, answer.text
        pages.append(answer.json["items"])
        if answer.json["next_cursor"] is None:
            return pages
        cursor = {"cursor": answer.json["next_cursor"]}


def found(client: Client, **query: Any) -> set[tuple[str, str]]:
    """Student and date of each record that is found; `from_` stands for from."""
    named = {name.rstrip("_"): value for name, value in query.items()}
    return {(item["student_id"], item["date"]) for item in client.get("/records", named).json["items"]}


def test_a_record(ann: Client, maths: Section, drain: Drain) -> None:
    """Every field of the contract, and no other."""
    student = maths.students[0]
    body = register(maths, records=records([student], "LATE", remarks="Bus", late_minutes=12))
    job = mark(ann, drain, body)
    page = ann.get("/records").json
    assert page == {
        "items": [
            {
                "student_id": student, "section_id": maths.id, "date": str(TODAY), "period_id": None,
                "status": "LATE", "remarks": "Bus", "late_minutes": 12, "marked_by": "ann",
                "marked_at": job["submittedAt"], "job_id": job["jobId"], "reason": None, "version": 1,
            }
        ],
        "next_cursor": None,
    }  # fmt: skip


class TestFilters:
    """Each narrows, all together narrow together."""

    @pytest.fixture
    def marks(self, office: Client, school: School, maths: Section, drain: Drain) -> Section:
        """Maths is marked on three days, music on one; the section of music is given back."""
        music = school.section(students=1)
        for days in (0, 1, 2):
            mark(office, drain, register(maths, "ABSENT" if days == 1 else "PRESENT", day=TODAY - days * DAY))
        mark(office, drain, register(music))
        return music

    def test_by_date(self, office: Client, maths: Section, marks: Section) -> None:
        """One date."""
        assert found(office, date=TODAY - DAY) == {(student, str(TODAY - DAY)) for student in maths.students}
        assert found(office, date=TODAY - 9 * DAY) == set()

    def test_by_dates(self, office: Client, maths: Section, marks: Section) -> None:
        """From and to are both included, and either may be left out."""
        assert {day for _, day in found(office, from_=TODAY - DAY, to=TODAY)} == {str(TODAY - DAY), str(TODAY)}
        assert {day for _, day in found(office, to=TODAY - DAY)} == {str(TODAY - DAY), str(TODAY - 2 * DAY)}
        assert {day for _, day in found(office, from_=TODAY)} == {str(TODAY)}
        assert found(office, from_=TODAY, to=TODAY - DAY) == set()
        assert {day for _, day in found(office, date=TODAY, from_=TODAY - DAY, to=TODAY)} == {str(TODAY)}
        assert found(office, date=TODAY, from_=TODAY + DAY) == set()

    def test_by_section(self, office: Client, maths: Section, marks: Section) -> None:
        """The section in which the mark was made."""
        assert found(office, section_id=marks.id) == {(marks.students[0], str(TODAY))}
        assert len(found(office, section_id=maths.id.upper())) == 9

    def test_by_student(self, office: Client, maths: Section, marks: Section) -> None:
        """One student; nobody for one whom nobody knows."""
        student = maths.students[0]
        assert found(office, student_id=student) == {(student, str(TODAY - n * DAY)) for n in range(3)}
        assert found(office, student_id=new_id()) == set()

    def test_by_status(self, office: Client, maths: Section, marks: Section) -> None:
        """One status."""
        assert {day for _, day in found(office, status="ABSENT")} == {str(TODAY - DAY)}
        assert found(office, status="EXCUSED") == set()

    def test_together(self, office: Client, maths: Section, marks: Section) -> None:
        """All at once."""
        student = maths.students[0]
        narrowed = found(office, student_id=student, section_id=maths.id, status="PRESENT", from_=TODAY - DAY)
        assert narrowed == {(student, str(TODAY))}


@pytest.mark.parametrize(
    "query",
    [{"date": "yesterday"}, {"date": "2026-02-30"}, {"from": "20260211"}, {"to": ""}, {"section_id": "7b"},
     {"student_id": "x"}, {"status": "present"}, {"status": ""}, {"limit": 0}, {"limit": 501}, {"limit": "-1"},
     {"limit": "many"}, {"limit": "9" * 5000}, {"student": "x"}, {"from_": "2026-02-11"},
     {"limit": ["1", "2"]}, {"cursor": "?"}],
    ids=lambda query: next(f"{name}={str(value)[:12]}" for name, value in query.items()),
)  # fmt: skip
def test_a_wrong_question(query: dict[str, Any], office: Client) -> None:
    """422, naming the parameter: a misspelt filter must never show everything."""
    answer = office.get("/records", query)
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert [where for where, _ in answer.faults] == list(query)


def test_wrong_parameters_are_told_in_plain_words(office: Client) -> None:
    """All at once."""
    answer = office.get("/records", {"date": "x", "section_id": "7b", "limit": "x", "to_date": "x"})
    assert {(one["parameter"], one["code"], one["detail"]) for one in answer.json["errors"]} == {
        ("date", "invalid_date", "A date is written YYYY-MM-DD and must exist."),
        ("section_id", "invalid_format", "This must be a UUID."),
        ("limit", "invalid_value", "This must be a whole number."),
        ("to_date", "unknown_parameter", "There is no such parameter here."),
    }


class TestPages:
    """Pages hold each mark once, newest date first."""

    def test_every_mark_once(self, office: Client, maths: Section, drain: Drain) -> None:
        """Whatever the size of the page; the last has no cursor."""
        for n in range(3):
            mark(office, drain, register(maths, day=TODAY - n * DAY))
        whole = office.get("/records").json["items"]
        assert [item["date"] for item in whole] == sorted((item["date"] for item in whole), reverse=True)
        for limit in (1, 2, 3, 8, 9, 10):
            pages = all_pages(office, "/records", {"limit": limit})
            assert [item for page in pages for item in page] == whole
            assert all(len(page) == limit for page in pages[:-1])
            assert 0 < len(pages[-1]) <= limit

    def test_a_hundred_by_default(self, office: Client, school: School, drain: Drain) -> None:
        """And 500 at most."""
        mark(office, drain, register(school.section(students=501)))
        assert [len(page) for page in all_pages(office, "/records", {})] == [100] * 5 + [1]
        assert [len(page) for page in all_pages(office, "/records", {"limit": 500})] == [500, 1]

    def test_marks_that_arrive_between_pages(
        self, office: Client, maths: Section, school: School, drain: Drain
    ) -> None:
        """No mark that stood from the beginning is lost or told twice, whatever is marked or changed meanwhile."""
        for n in (1, 3, 5):
            mark(office, drain, register(maths, day=TODAY - n * DAY))
        standing = {(item["student_id"], item["date"]) for item in office.get("/records").json["items"]}
        seen: list[tuple[str, str]] = []
        cursor: dict[str, Any] = {}
        for n in range(20):
            page = office.get("/records", {"limit": 2, **cursor}).json
            seen += [(item["student_id"], item["date"]) for item in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
            newcomer = school.section(students=1)
            mark(office, drain, register(newcomer, day=TODAY - n * DAY))
            mark(office, drain, register(maths, "ABSENT", day=TODAY - 3 * DAY, reason=f"{n}"))
        assert len(seen) == len(set(seen))
        assert standing <= set(seen)

    def test_a_page_keeps_its_filters(self, office: Client, maths: Section, drain: Drain) -> None:
        """A cursor is only a place: the filters are sent again."""
        student = maths.students[1]
        for n in range(3):
            mark(office, drain, register(maths, day=TODAY - n * DAY))
        pages = all_pages(office, "/records", {"student_id": student, "limit": 1})
        assert [item["student_id"] for page in pages for item in page] == [student] * 3

    def test_by_period(self, office: Client, maths: Section, school: School, drain: Drain) -> None:
        """Several marks of a student on a day are told apart across pages."""
        school.run("update attendance_settings set attendance_mode = 'PERIOD'")
        periods = {school.period(n) for n in range(3)}
        for period in periods:
            mark(office, drain, register(maths, period_id=period))
        pages = all_pages(office, "/records", {"limit": 1})
        items = [item for page in pages for item in page]
        assert len({(item["student_id"], item["period_id"]) for item in items}) == len(items) == 9
        assert {item["period_id"] for item in items} == periods


class TestTeachers:
    """A teacher sees marks of own sections, on the dates of the teaching."""

    def test_own_sections(self, ann: Client, office: Client, school: School, maths: Section, drain: Drain) -> None:
        """Another section's marks are not shown, and asking for them by name is forbidden."""
        other = school.section(students=1, teachers=["bob"])
        mark(office, drain, register(maths))
        mark(office, drain, register(other))
        assert {student for student, _ in found(ann)} == set(maths.students)
        assert found(ann, student_id=other.students[0]) == set()
        answer = ann.get("/records", {"section_id": other.id})
        assert (answer.status, answer.code) == (403, "forbidden")
        assert len(found(ann, section_id=maths.id)) == 3

    def test_a_list_of_the_office(
        self, ann: Client, office: Client, school: School, maths: Section, drain: Drain
    ) -> None:
        """Marks that the office made across sections are shown to the students' teachers."""
        other = school.section(students=1)
        body = {"date": str(TODAY), "records": records([*maths.students, *other.students])}
        mark(office, drain, body)
        assert {student for student, _ in found(ann)} == set(maths.students)

    def test_a_substitute(self, bearer: Bearer, office: Client, school: School, maths: Section, drain: Drain) -> None:
        """Sees the days of the substitution only."""
        school.teach(maths.id, school.staff("sub"), "substitute", TODAY - DAY, TODAY)
        for n in range(3):
            mark(office, drain, register(maths, day=TODAY - n * DAY))
        assert {day for _, day in found(bearer("teacher", "sub"))} == {str(TODAY - DAY)}

    def test_one_whom_nobody_knows(self, bearer: Bearer, office: Client, maths: Section, drain: Drain) -> None:
        """A token with the role but without a place on the staff shows nothing."""
        mark(office, drain, register(maths))
        assert found(bearer("teacher", "nobody")) == set()

    def test_pages(self, ann: Client, office: Client, school: School, maths: Section, drain: Drain) -> None:
        """Marks of others leave no gaps in a teacher's pages."""
        other = school.section(students=5)
        mark(office, drain, register(maths))
        mark(office, drain, register(other))
        assert [len(page) for page in all_pages(ann, "/records", {"limit": 2})] == [2, 1]


class TestStaffRecords:
    """GET /staff/records."""

    @pytest.fixture
    def staff(self, office: Client, school: School, drain: Drain) -> list[str]:
        """Two staff members, marked on two days: the first is late on the second day."""
        ids = [school.staff("cleo", "office"), school.staff("dan")]
        for n, status in ((1, "PRESENT"), (0, "LATE")):
            body = {
                "date": str(TODAY - n * DAY),
                "records": [{"staff_id": ids[0], "status": status}, {"staff_id": ids[1], "status": "PRESENT"}],
            }
            mark(office, drain, body, "/staff/mark")
        return ids

    def test_a_record(self, office: Client, school: School, drain: Drain) -> None:
        """Every field, and no other."""
        cleo = school.staff("cleo", "office")
        row = {"staff_id": cleo, "status": "LATE", "late_minutes": 5, "check_in": "08:05", "remarks": "Train"}
        job = mark(office, drain, {"date": str(TODAY), "records": [row]}, "/staff/mark")
        assert office.get("/staff/records").json["items"] == [
            row
            | {
                "date": str(TODAY), "check_in": "08:05:00", "check_out": None, "marked_by": "the-office",
                "marked_at": job["submittedAt"], "job_id": job["jobId"], "reason": None, "version": 1,
            }
        ]  # fmt: skip

    def test_filters(self, office: Client, staff: list[str]) -> None:
        """By date, dates, person, status."""

        def told(**query: Any) -> set[tuple[int, str]]:
            named = {name.rstrip("_"): value for name, value in query.items()}
            items = office.get("/staff/records", named).json["items"]
            return {(staff.index(item["staff_id"]), item["date"]) for item in items}

        today, yesterday = str(TODAY), str(TODAY - DAY)
        assert told(date=TODAY) == {(0, today), (1, today)}
        assert told(to=TODAY - DAY) == {(0, yesterday), (1, yesterday)}
        assert told(staff_id=staff[1]) == {(1, today), (1, yesterday)}
        assert told(status="LATE", from_=TODAY - DAY) == {(0, today)}

    def test_pages(self, office: Client, staff: list[str]) -> None:
        """Each once."""
        pages = all_pages(office, "/staff/records", {"limit": 1})
        items = [(item["staff_id"], item["date"]) for page in pages for item in page]
        assert len(items) == len(set(items)) == 4

    def test_no_student_is_asked_for(self, office: Client) -> None:
        """A filter of the other list is refused."""
        assert office.get("/staff/records", {"student_id": new_id()}).status == 422


def test_days_far_away(office: Client) -> None:
    """The ends of the calendar may be asked for."""
    assert office.get("/records", {"from": date.min, "to": date.max}).json == {"items": [], "next_cursor": None}


def test_marks_are_read_though_nothing_is_cached(
    office: Client, maths: Section, drain: Drain, container: Container
) -> None:
    """Redis has no part in it."""
    mark(office, drain, register(maths))
    container.redis.flushdb()
    assert len(found(office)) == 3
