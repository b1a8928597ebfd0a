"""The Lambda entry points: the rung drain and the scheduled one do the same work as the laptop's consumer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

import app
from chalicelib.config import BadSettings
from chalicelib.db.migrate import head
from local.lambda_context import LocalLambdaContext
from local.servers import EmbeddedPostgres
from tests.api.client import Client
from tests.school import TODAY, Section


def rung() -> dict[str, Any]:
    """Invoke the drain as the doorbell does."""
    report: dict[str, Any] = app.drain({"shard": 0}, LocalLambdaContext("drain", timeout=60))
    return report


SCHEDULED = {
    "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "1",
    "time": "2026-02-11T08:00:00Z", "region": "eu-central-1", "resources": [], "detail": {},
}  # fmt: skip


def scheduled() -> dict[str, Any]:
    """Invoke the drain as EventBridge does."""
    report: dict[str, Any] = app.drain_schedule(SCHEDULED, LocalLambdaContext("drain_schedule", timeout=60))
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


def test_the_daily_round_tells_until_when_the_database_is_provided_for() -> None:
    """A database that was migrated today needs nothing."""
    report = app.maintain(SCHEDULED, LocalLambdaContext("maintain", timeout=60))
    assert report["partitions_made"] == 0
    assert date.fromisoformat(report["provided_until"]) > TODAY


def test_a_deployment_is_told_from_where_to_where_it_migrated(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database of these tests is at the head already."""
    monkeypatch.setenv("MIGRATION_DATABASE_URL", postgres.url("rollcall"))
    app.container.cache_clear()
    report = app.migrate({}, LocalLambdaContext("migrate", timeout=60))
    assert report == {"from": head(), "to": head(), "password_set": False}


def test_a_function_that_does_not_know_the_owner_migrates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which variable it lacks."""
    monkeypatch.delenv("MIGRATION_DATABASE_URL", raising=False)
    app.container.cache_clear()
    with pytest.raises(BadSettings, match="MIGRATION_DATABASE_URL"):
        app.migrate({}, LocalLambdaContext("migrate", timeout=60))
