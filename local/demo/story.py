"""What the demo does over HTTP: mark 500 students at once, follow the job, correct a mark, read the history."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx

from chalicelib.api.doors import BASE
from local import follow as following
from local.client import Client
from local.faults import StackFault

STUDENTS = 500
REASON = "The family brought a doctor's note"

_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """Students to mark: all of one section if `section` is not None, else of several. A student is as GET tells."""

    section: dict[str, Any] | None
    students: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """Where they are from."""
        return self.section["name"] if self.section is not None else "several sections"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was answered 202: the job, the API's URL, whose token sent it, and the answer's seconds."""

    job_id: str
    url: str
    token: str = field(repr=False)
    sent_at: float
    seconds: float


def gather(office: Client, day: date, most: int = STUDENTS) -> Crowd:
    """Up to `most` students who are enrolled on `day`: the assembly, else homeroom after homeroom."""
    sections = sorted(office.items("/sections", limit=500), key=_largest_first)
    found: dict[str, dict[str, Any]] = {}
    sources = []
    for section in sections:
        students = office.get(f"/sections/{section['id']}/roster", date=f"{day}")["students"]
        fresh = {student["id"]: student for student in students if student["id"] not in found}
        found |= fresh
        sources += [section] if fresh else []
        if len(found) >= most:
            break
    if not found:
        raise StackFault(f"Nobody is enrolled on {day}.")
    return Crowd(sources[0] if len(sources) == 1 else None, list(found.values())[:most])


def mark(client: Client, day: date, crowd: Crowd) -> Request:
    """Mark the crowd in one request: most are here, some late, some missing; the first one is."""
    records = [{"student_id": student["id"], **_seen(place)} for place, student in enumerate(crowd.students)]
    return _send(client, day, crowd, records)


def correct(client: Client, day: date, crowd: Crowd) -> Request:
    """Excuse the first of the crowd, and say why."""
    record = {"student_id": crowd.students[0]["id"], "status": "EXCUSED", "remarks": "Sick"}
    return _send(client, day, crowd, [record], reason=REASON)


def follow(request: Request, way: following.Way) -> Iterator[dict[str, Any]]:
    """The job whenever it has moved, by WebSocket if there is one, until it has completed; `way` is told how.

    Raises StackFault if it does not, or not for everybody.
    """
    try:
        states = following.follow(request.url, request.token, request.job_id, patience_s=_PATIENCE_S, way=way)
        for job in states:
            yield job
            if job["state"] in {"failed", "cancelled"}:
                raise StackFault(f"The job {request.job_id} is {job['state']}, not completed: {job['error']}")
            if job["state"] == "completed" and job["result"]["rejected"]:
                rejected = job["result"]["rejected"]
                raise StackFault(f"The job rejected {len(rejected)} marks: {rejected[0]}")
    except httpx.HTTPError as error:
        raise StackFault(f"The job {request.job_id} cannot be followed: {error}.") from error


def history(client: Client, day: date, student_id: str) -> dict[str, Any]:
    """The student's mark of `day` with its first marking and every change."""
    items = client.items(f"/students/{student_id}/history", limit=50)
    found: dict[str, Any] | None = next((item for item in items if item["date"] == f"{day}"), None)
    if found is None or not found["changes"] or found["changes"][-1]["reason"] != REASON:
        raise StackFault("The history does not tell of the correction.")
    return found


def staff_names(client: Client) -> dict[str, str]:
    """The names of the staff by both of their ids."""
    names = {}
    for person in client.items("/staff", limit=500):
        names[person["id"]] = names[person["source_id"]] = f"{person['given_name']} {person['family_name']}"
    return names


def _send(client: Client, day: date, crowd: Crowd, records: list[dict[str, Any]], reason: str | None = None) -> Request:
    section = crowd.section["id"] if crowd.section is not None else None
    body = {"date": f"{day}", "section_id": section, "reason": reason, "records": records}
    sent_at = time.perf_counter()
    answer = client.post("/mark", body)
    seconds = time.perf_counter() - sent_at
    if answer.status_code != 202:
        raise StackFault(f"POST /mark was answered {answer.status_code}, not 202.")
    url = str(answer.request.url.copy_with(path=BASE))
    token = answer.request.headers["Authorization"].removeprefix("Bearer ")
    return Request(answer.json()["jobId"], url, token, sent_at, seconds)


def _seen(place: int) -> dict[str, Any]:
    if place % 23 == 0:
        return {"status": "ABSENT"}
    if place % 31 == 0:
        return {"status": "LATE", "late_minutes": 5 + place % 20}
    return {"status": "PRESENT"}


def _largest_first(section: dict[str, Any]) -> tuple[bool, bool, str]:
    return section["name"] != "Assembly", section["kind"] != "homeroom", section["name"]
