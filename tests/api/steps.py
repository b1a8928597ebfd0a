"""What tests of the API do again and again: write a register, send it, let it end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from chalicelib.container import Container
from chalicelib.services.drain import Report
from tests.api.client import Client
from tests.school import TODAY, Section

Drain = Callable[[], Report]


def records(students: Sequence[str], status: str = "PRESENT", **more: Any) -> list[dict[str, Any]]:
    """A record for each student."""
    return [{"student_id": student, "status": status, **more} for student in students]


def register(section: Section, status: str = "PRESENT", day: date = TODAY, **more: Any) -> dict[str, Any]:
    """The body of a mark of a whole section."""
    body = {"date": str(day), "section_id": section.id, "records": records(section.students, status)}
    return body | more


def mark(client: Client, drain: Drain, body: dict[str, Any], path: str = "/mark") -> dict[str, Any]:
    """Send `body`, let the consumer work, and return the job as it ended."""
    answer = client.post(path, body)
    assert answer.status == 202, answer.text
    drain()
    job: dict[str, Any] = client.get(answer.json["statusUrl"]).json
    assert job["state"] == "completed", job
    return job


def depth(container: Container) -> int:
    """How many jobs are on their way."""
    return container.queue.counts().depth
