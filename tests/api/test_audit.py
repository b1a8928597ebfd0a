"""GET /audit and GET /students/{id}/history: who said what of whom, when, and why it was changed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.api.client import Client
from tests.api.conftest import Bearer
from tests.api.steps import Drain, mark, records, register
from tests.school import TODAY, School, Section, new_id

DAY = timedelta(days=1)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class TestAudit:
    """GET /audit."""

    def test_an_entry(self, ann: Client, office: Client, maths: Section, drain: Drain) -> None:
        """Every field of the contract; `before` tells the first marking, too."""
        student = maths.students[0]
        first = mark(ann, drain, register(maths, records=records([student], "ABSENT", remarks="?")))
        second = mark(
            office, drain, register(maths, reason="He was there", records=records([student], "LATE", late_minutes=5))
        )
        [entry] = office.get("/audit").json["items"]
        assert entry == {
            "id": entry["id"], "student_id": student, "staff_id": None, "date": str(TODAY), "period_id": None,
            "before": {
                "status": "ABSENT", "remarks": "?", "late_minutes": None, "check_in": None, "check_out": None,
                "marked_by": "ann", "marked_at": first["submittedAt"], "job_id": first["jobId"],
            },
            "after": {"status": "LATE", "remarks": None, "late_minutes": 5, "check_in": None, "check_out": None},
            "reason": "He was there", "actor_id": "the-office", "actor_role": "office",
            "at": second["submittedAt"], "job_id": second["jobId"],
        }  # fmt: skip

    def test_a_first_mark_and_the_same_mark_are_no_changes(
        self, ann: Client, office: Client, maths: Section, drain: Drain
    ) -> None:
        """The log holds changes only."""
        for _ in range(2):
            mark(ann, drain, register(maths))
        assert office.get("/audit").json == {"items": [], "next_cursor": None}

    @pytest.fixture
    def changes(self, bearer: Bearer, office: Client, school: School, maths: Section, drain: Drain) -> str:
        """Three students are changed by the office, on two days the first by Ann as well; and one of the staff."""
        ann, cleo = bearer("teacher", "ann"), school.staff("cleo")
        mark(ann, drain, register(maths, "ABSENT"))
        mark(office, drain, register(maths, "PRESENT"))
        yesterday = register(maths, "ABSENT", day=TODAY - DAY, records=records(maths.students[:1]))
        mark(ann, drain, yesterday)
        mark(ann, drain, yesterday | {"records": records(maths.students[:1], "LATE")})
        for status in ("PRESENT", "LATE"):
            staff = {"date": str(TODAY), "records": [{"staff_id": cleo, "status": status}]}
            mark(office, drain, staff, "/staff/mark")
        return cleo

    def test_filters(self, office: Client, maths: Section, changes: str) -> None:
        """By student, staff member, dates of the marks, and actor; all of them narrow together."""
        first = maths.students[0]

        def told(**query: Any) -> list[tuple[str, str]]:
            named = {name.rstrip("_"): value for name, value in query.items()}
            items = office.get("/audit", named).json["items"]
            return sorted((item["student_id"] or item["staff_id"], item["date"]) for item in items)

        today, yesterday = str(TODAY), str(TODAY - DAY)
        everyone = sorted([*((student, today) for student in maths.students), (changes, today), (first, yesterday)])
        assert told() == everyone
        assert told(student_id=first) == [(first, yesterday), (first, today)]
        assert told(staff_id=changes) == [(changes, today)]
        assert told(to=TODAY - DAY) == [(first, yesterday)]
        assert len(told(from_=TODAY)) == 4
        assert told(actor="ann") == [(first, yesterday)]
        assert told(actor="the-office", student_id=first) == [(first, today)]
        assert told(actor="nobody") == told(student_id=new_id()) == []

    def test_newest_first_in_pages(self, office: Client, changes: str) -> None:
        """Each entry once."""
        whole = office.get("/audit").json["items"]
        assert [item["at"] for item in whole] == sorted((item["at"] for item in whole), reverse=True)
        items: list[Any] = []
        cursor: dict[str, Any] = {}
        for _ in whole:
            page = office.get("/audit", {"limit": 1, **cursor}).json
            items += page["items"]
            cursor = {"cursor": page["next_cursor"]}
        assert items == whole
        assert cursor == {"cursor": None}

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ({"actor": "a\0b"}, "not_storable"),
            ({"actor": "a" * 256}, "too_long"),
            ({"student_id": "x"}, "invalid_format"),
            ({"from": "x"}, "invalid_date"),
            ({"date": "2026-02-11"}, "unknown_parameter"),
            ({"cursor": "x"}, "invalid_cursor"),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_a_wrong_question(self, query: dict[str, str], code: str, office: Client) -> None:
        """422, naming the parameter."""
        answer = office.get("/audit", query)
        assert (answer.status, answer.faults) == (422, {(next(iter(query)), code)})


class TestHistory:
    """GET /students/{id}/history."""

    def test_the_first_marking_and_every_change(
        self, ann: Client, office: Client, maths: Section, drain: Drain
    ) -> None:
        """As it stands, as it was first said, and each change in between, oldest first."""
        student = maths.students[0]
        jobs = [
            mark(client, drain, register(maths, reason=reason, records=records([student], status)))
            for client, status, reason in (
                (ann, "ABSENT", None), (office, "LATE", "bus"), (office, "EXCUSED", "a note")
            )
        ]  # fmt: skip
        history = office.get(f"/students/{student}/history").json
        assert (history["student_id"], history["next_cursor"]) == (student, None)
        [item] = history["items"]
        assert (item["date"], item["status"], item["version"], item["reason"]) == (str(TODAY), "EXCUSED", 3, "a note")
        assert item["first"]["status"] == "ABSENT"
        assert (item["first"]["marked_by"], item["first"]["job_id"]) == ("ann", jobs[0]["jobId"])
        assert item["first"]["marked_at"] == jobs[0]["submittedAt"]
        told = [(one["before"]["status"], one["after"]["status"], one["reason"]) for one in item["changes"]]
        assert told == [("ABSENT", "LATE", "bus"), ("LATE", "EXCUSED", "a note")]
        audit = office.get("/audit", {"student_id": student}).json["items"]
        assert item["changes"] == audit[::-1]

    def test_a_mark_that_was_never_changed(self, ann: Client, maths: Section, drain: Drain) -> None:
        """It is its own first marking; instants are told alike."""
        mark(ann, drain, register(maths))
        [item] = ann.get(f"/students/{maths.students[0]}/history").json["items"]
        assert item["changes"] == []
        assert {name: item[name] for name in ("status", "marked_by", "marked_at", "job_id")} == {
            name: item["first"][name] for name in ("status", "marked_by", "marked_at", "job_id")
        }
        assert INSTANT.fullmatch(item["first"]["marked_at"])

    def test_newest_date_first_in_pages(self, ann: Client, maths: Section, drain: Drain) -> None:
        """Each date once, with its own changes."""
        student = maths.students[0]
        for n in range(3):
            day = TODAY - n * DAY
            mark(ann, drain, register(maths, "ABSENT", day=day))
            mark(ann, drain, register(maths, "LATE", day=day, reason=f"{n}"))
        items: list[Any] = []
        cursor: dict[str, Any] = {}
        for _ in range(3):
            page = ann.get(f"/students/{student}/history", {"limit": 1, **cursor}).json
            items += page["items"]
            cursor = {"cursor": page["next_cursor"]}
        assert [item["date"] for item in items] == [str(TODAY - n * DAY) for n in range(3)]
        assert [[one["reason"] for one in item["changes"]] for item in items] == [["0"], ["1"], ["2"]]
        assert cursor == {"cursor": None}

    def test_periods_are_told_apart(self, office: Client, school: School, maths: Section, drain: Drain) -> None:
        """A change of one period's mark is not told of the other's."""
        school.run("update attendance_settings set attendance_mode = 'PERIOD'")
        first, second = school.period(1), school.period(2)
        for period in (first, second):
            mark(office, drain, register(maths, "ABSENT", period_id=period))
        mark(office, drain, register(maths, "LATE", period_id=second, reason="bus"))
        items = office.get(f"/students/{maths.students[0]}/history").json["items"]
        assert {item["period_id"]: len(item["changes"]) for item in items} == {first: 0, second: 1}

    def test_teachers_of_the_student(self, ann: Client, bearer: Bearer, school: School, maths: Section) -> None:
        """May read it; other teachers may not."""
        school.section(students=1, teachers=["bob"])
        path = f"/students/{maths.students[0]}/history"
        assert ann.get(path).json == {"student_id": maths.students[0], "items": [], "next_cursor": None}
        for stranger in ("bob", "nobody"):
            answer = bearer("teacher", stranger).get(path)
            assert (answer.status, answer.code) == (403, "forbidden")

    @pytest.mark.parametrize("id_", [new_id(), "x", "00000000-0000-0000-0000-000000000000"], ids=len)
    def test_one_whom_nobody_knows(self, id_: str, office: Client, ann: Client) -> None:
        """404."""
        assert (office.get(f"/students/{id_}/history").status, ann.get(f"/students/{id_}/history").status) == (404, 404)
