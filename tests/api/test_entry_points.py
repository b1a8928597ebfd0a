"""The Lambda entry points: the rung drain and the scheduled one do the same work as the laptop's consumer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import app
from local.lambda_context import LocalLambdaContext
from tests.api.client import Client
from tests.school import TODAY, Section


def rung() -> dict[str, Any]:
    """Invoke the drain as the doorbell does."""
    report: dict[str, Any] = app.drain({}, LocalLambdaContext("drain", timeout=60))
    return report


def scheduled() -> dict[str, Any]:
    """Invoke the drain as EventBridge does."""
    event = {
        "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "1",
        "time": "2026-02-11T08:00:00Z", "region": "eu-central-1", "resources": [], "detail": {},
    }  # fmt: skip
    report: dict[str, Any] = app.drain_schedule(event, LocalLambdaContext("drain_schedule", timeout=60))
    return report


@pytest.mark.parametrize("invoke", [rung, scheduled])
def test_a_drain_lambda_completes_what_waits(
    invoke: Callable[[], dict[str, Any]], office: Client, maths: Section
) -> None:
    """A job accepted over HTTP is completed by either function, which tells what it did."""
    body = {
        "date": str(TODAY),
        "section_id": maths.id,
        "records": [{"student_id": student, "status": "PRESENT"} for student in maths.students],
    }
    job = office.post("/mark", body).json["jobId"]
    report = invoke()
    assert (report["completed"], report["records"], report["stopped"]) == (1, 3, "empty")
    assert office.get(f"/jobs/{job}").json["state"] == "completed"
