"""A real district's year through the API: every homeroom on each school day, then each whole-day event as a mark."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from chalicelib.db.ids import roster_id, tenant_id
from local.stack import Stack
from tests.e2e.steps import drained

DISTRICT = Path(__file__).parents[3] / "shared" / "data" / "grand-bend"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(not DISTRICT.is_dir(), reason="the fictional district is not here"),
]

STATUS = {"Excused Absence": "EXCUSED", "Unexcused Absence": "ABSENT", "Tardy": "LATE", "Partial": "LATE"}
TENANT = tenant_id("demo")


@dataclass
class Year:
    """The district's year as marks: `truth` is what must stand in the end, by student and day."""

    days: list[date]
    events: dict[tuple[date, str], str]
    homes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def truth(self) -> dict[tuple[date, str], str]:
        """PRESENT unless the source tells an event."""
        everyone = [student for students in self.homes.values() for student in students]
        return {(day, student): self.events.get((day, student), "PRESENT") for day in self.days for student in everyone}


def read_year() -> Year:
    """School days are the weekdays of the two semesters, and any other day on which the source has an event."""
    events: dict[tuple[date, str], str] = {}
    with (DISTRICT / "attendance.csv").open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            if not row["classSourcedId"]:
                student = roster_id(TENANT, "student", row["studentSourcedId"])
                events[date.fromisoformat(row["date"]), student] = STATUS[row["category"]]
    days = {day for day, _ in events}
    with (DISTRICT / "oneroster" / "academicSessions.csv").open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            if row["type"] == "semester":
                day, last = date.fromisoformat(row["startDate"]), date.fromisoformat(row["endDate"])
                while day <= last:
                    days |= {day} if day.weekday() < 5 else set()
                    day += timedelta(days=1)
    return Year(sorted(days), events)


@pytest.fixture(scope="module")
def district() -> Iterator[tuple[Stack, Year]]:
    """The district's stack, open for dates of its past year, with the year's marks in it, and what the year holds."""
    year = read_year()
    with Stack(roster=DISTRICT / "oneroster") as stack:
        admin = {"Authorization": f"Bearer {stack.token('admin')}"}
        with httpx.Client(base_url=stack.url, headers=admin, timeout=30) as api:
            settings = api.get("/settings").json() | {"backdate_days": 36_525}
            assert api.put("/settings", json=settings).status_code == 200
            sections = [s for s in pages(api, "/sections", {"limit": 500}) if s["kind"] == "homeroom"]
            for section in sections:
                roster = api.get(f"/sections/{section['id']}/roster", params={"date": str(year.days[0])}).json()
                year.homes[section["id"]] = [student["id"] for student in roster["students"]]
        assert sum(map(len, year.homes.values())) == 960
        replay(stack, year)
        yield stack, year


def pages(api: httpx.Client, path: str, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every item of a list."""
    cursor: str | None = None
    while True:
        page = api.get(path, params=query | ({"cursor": cursor} if cursor else {})).raise_for_status().json()
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def replay(stack: Stack, year: Year) -> None:
    """All registers as PRESENT, then the events, each request under a key of its own; waits for the last job."""
    token = {"Authorization": f"Bearer {stack.token('office')}"}
    registers = [
        ({"date": str(day), "section_id": home, "records": [{"student_id": s, "status": "PRESENT"} for s in students]},
         f"register:{day}:{home}")
        for day in year.days
        for home, students in year.homes.items()
    ]  # fmt: skip
    home_of = {student: home for home, students in year.homes.items() for student in students}
    events: dict[tuple[date, str], list[dict[str, str]]] = {}
    for (day, student), status in year.events.items():
        events.setdefault((day, home_of[student]), []).append({"student_id": student, "status": status})
    corrections = [
        ({"date": str(day), "section_id": home, "reason": "Office list", "records": records}, f"events:{day}:{home}")
        for (day, home), records in events.items()
    ]
    with httpx.Client(base_url=stack.url, headers=token, timeout=30) as api, ThreadPoolExecutor(4) as clients:

        def send(request: tuple[dict[str, Any], str]) -> int:
            body, key = request
            return api.post("/mark", json=body, headers={"Idempotency-Key": key}).status_code

        assert set(clients.map(send, registers)) == {202}
        assert set(clients.map(send, corrections)) == {202}
    drained(stack)


def standing(stack: Stack) -> tuple[dict[tuple[date, str], str], int, int]:
    """Every mark by day and student, the sum of versions, and the number of changes in the audit log."""
    with stack.owner.begin() as connection:
        rows = connection.execute(
            text("select date, student_id::text, status::text, version from student_attendance where tenant_id = :t"),
            {"t": TENANT},
        ).all()
        changes = connection.scalar(
            text("select count(*) from attendance_audit_log where tenant_id = :t"), {"t": TENANT}
        )
    return {(day, student): status for day, student, status, _ in rows}, sum(row[3] for row in rows), int(changes or 0)


def test_the_years_marks_equal_the_source_and_a_second_run_changes_nothing(district: tuple[Stack, Year]) -> None:
    """Counts by status, student and day are the source's; sent again, not a version moves."""
    stack, year = district
    assert len(year.events) == 1916  # 1,917 whole-day events, two of them for one student on one day

    marks, versions, changes = standing(stack)
    assert Counter(marks.values()) == Counter(year.truth.values())
    assert marks == year.truth
    assert changes == len(year.events)
    assert versions == len(marks) + changes

    replay(stack, year)
    assert standing(stack) == (marks, versions, changes)


def test_saying_again_what_stands_changes_nothing_either(district: tuple[Stack, Year]) -> None:
    """The final registers, sent as new requests without a key, are all counted as unchanged."""
    stack, year = district
    before = standing(stack)
    token = {"Authorization": f"Bearer {stack.token('office')}"}
    with httpx.Client(base_url=stack.url, headers=token, timeout=30) as api:
        for home, students in list(year.homes.items())[:10]:
            day = year.days[40]
            records = [{"student_id": s, "status": before[0][day, s]} for s in students]
            job = api.post("/mark", json={"date": str(day), "section_id": home, "records": records}).json()["jobId"]
            result = api.get(f"/jobs/{job}", params={"wait": 20}).json()["result"]
            assert result == {"applied": 0, "unchanged": len(students), "superseded": 0, "rejected": []}
    assert standing(stack) == before


def test_the_api_tells_the_absences_of_the_source(district: tuple[Stack, Year]) -> None:
    """GET /records by status pages through exactly the source's events."""
    stack, year = district
    token = {"Authorization": f"Bearer {stack.token('office')}"}
    with httpx.Client(base_url=stack.url, headers=token, timeout=30) as api:
        for status in ("ABSENT", "EXCUSED", "LATE"):
            told = {
                (date.fromisoformat(item["date"]), item["student_id"])
                for item in pages(api, "/records", {"status": status, "limit": 500})
            }
            assert told == {key for key, value in year.events.items() if value == status}
