"""The queue over HTTP: its figures, pause and resume, for the own tenant and nobody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

import app
from chalicelib.container import Container
from chalicelib.db.session import Database
from tests.api.client import Client
from tests.api.conftest import Bearer
from tests.api.steps import Drain, mark, register
from tests.api.test_jobs import INSTANT, poison
from tests.queue.steps import leases_run_out
from tests.school import School, Section

EMPTY: dict[str, Any] = {
    "waiting": 0, "active": 0, "delayed": 0, "failed": 0, "oldest_waiting_ms": None, "paused": False,
    "drain": {"state": "unknown", "at": None}, "warnings": [],
}  # fmt: skip


@pytest.fixture
def strangers(database: Database, bearer: Bearer) -> Client:
    """The admin of another tenant, who has a job waiting."""
    other = School(database)
    admin = bearer("admin", tenant=other.tenant)
    assert admin.post("/mark", register(other.section(students=1))).status == 202
    return admin


def drain_told(client: Client) -> Any:
    """What is told of the drain."""
    return client.get("/queue").json["drain"]


class TestFigures:
    """GET /queue."""

    def test_an_empty_queue(self, office: Client) -> None:
        """Every field with its name and kind."""
        answer = office.get("/queue")
        assert (answer.status, answer.json) == (200, EMPTY)

    def test_jobs_by_state(
        self, office: Client, school: School, maths: Section, container: Container, drain: Drain
    ) -> None:
        """Waiting, active, delayed and dead."""
        poison(container, school)
        poison(container, school, attempts=3)
        drain()
        for _ in range(4):
            office.post("/mark", register(maths))
        container.queue.claim(max_jobs=1, max_records=3, lease_ms=60_000)
        told = office.get("/queue").json
        assert {name: told[name] for name in ("waiting", "active", "delayed", "failed")} == {
            "waiting": 3, "active": 1, "delayed": 1, "failed": 1,
        }  # fmt: skip

    def test_the_age_of_the_oldest_that_waits(self, office: Client, maths: Section, container: Container) -> None:
        """In milliseconds from its submission."""
        job = office.post("/mark", register(maths)).json["jobId"]
        office.post("/mark", register(maths))
        container.redis.hincrby(f"{{rollcall}}:job:{job}", "submitted_at", -7_000_000)
        assert 7_000 <= office.get("/queue").json["oldest_waiting_ms"] < 60_000

    def test_another_tenants_jobs_are_not_counted(self, office: Client, strangers: Client) -> None:
        """Neither in a figure nor in the age, nor is their pause told."""
        strangers.post("/queue/pause")
        assert strangers.get("/queue").json["waiting"] == 1
        assert office.get("/queue").json == EMPTY

    def test_redis_away(self, admin: Client, away: Callable[[str], None]) -> None:
        """503 for the look and for both verbs."""
        away("redis")
        for answer in (admin.get("/queue"), admin.post("/queue/pause"), admin.post("/queue/resume")):
            assert (answer.status, answer.code) == (503, "unavailable")
            assert int(answer.headers["retry-after"]) > 0

    def test_postgres_away(self, admin: Client, maths: Section, away: Callable[[str], None]) -> None:
        """All of it is told and done all the same: that is when one looks."""
        admin.post("/mark", register(maths))
        away("postgres")
        assert admin.get("/queue").json["waiting"] == 1
        assert admin.post("/queue/pause").json["paused"] is True


class TestPause:
    """POST /queue/pause and /queue/resume."""

    def test_jobs_are_accepted_and_wait(self, admin: Client, ann: Client, maths: Section, drain: Drain) -> None:
        """Until the resume; both verbs answer what GET /queue tells."""
        paused = admin.post("/queue/pause")
        assert (paused.status, paused.json) == (200, EMPTY | {"paused": True})
        job = ann.post("/mark", register(maths))
        assert job.status == 202
        drain()
        told = ann.get(job.json["statusUrl"]).json
        assert told["state"] == "waiting"
        resumed = admin.post("/queue/resume")
        assert (resumed.status, resumed.json["paused"], resumed.json["waiting"]) == (200, False, 1)
        drain()
        assert ann.get(job.json["statusUrl"]).json["state"] == "completed"

    def test_twice_is_as_once(self, admin: Client, maths: Section, drain: Drain) -> None:
        """In both directions."""
        for _ in range(2):
            assert admin.post("/queue/pause").json["paused"] is True
        for _ in range(2):
            assert admin.post("/queue/resume").json["paused"] is False
        mark(admin, drain, register(maths))

    def test_others_are_served(self, admin: Client, strangers: Client, drain: Drain) -> None:
        """A pause is the own tenant's, and so is a resume."""
        admin.post("/queue/pause")
        drain()
        assert strangers.get("/queue").json["waiting"] == 0
        strangers.post("/queue/pause")
        admin.post("/queue/resume")
        assert strangers.get("/queue").json["paused"] is True

    def test_a_pause_of_all_is_told_and_not_ended(self, admin: Client, container: Container) -> None:
        """Operators paused all tenants; no tenant ends that."""
        container.queue.pause(None)
        assert admin.get("/queue").json["paused"] is True
        assert admin.post("/queue/resume").json["paused"] is True

    def test_a_resume_rings_the_drain(
        self, admin: Client, container: Container, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What waited does not wait for the schedule."""
        rung: list[str] = []

        class Bell:
            def ring(self, shard: int) -> None:
                rung.append("ring")

        monkeypatch.setitem(container.__dict__, "control", replace(container.control, doorbell=Bell()))
        admin.post("/queue/pause")
        assert rung == []
        admin.post("/queue/resume")
        assert rung == ["ring"]

    def test_it_is_logged_with_who_did_it(
        self, bearer: Bearer, school: School, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A queue that stands still raises the question."""
        bearer("admin", "ada").post("/queue/pause")
        assert f"the queue of {school.tenant} is paused by ada" in caplog.text


class TestDrain:
    """How the consumer does."""

    def test_it_works(self, office: Client, maths: Section, drain: Drain) -> None:
        """With the instant at which it last said so."""
        mark(office, drain, register(maths))
        told = drain_told(office)
        assert told["state"] == "ok"
        assert INSTANT.fullmatch(told["at"])
        assert timedelta() <= datetime.now(UTC) - datetime.fromisoformat(told["at"]) < timedelta(minutes=1)

    def test_it_met_an_outage_and_recovers(
        self, office: Client, maths: Section, away: Callable[[str], None], drain: Drain
    ) -> None:
        """The next drain that finds Postgres works at once, whatever pause there was."""
        office.post("/mark", register(maths))
        away("postgres")
        for _ in range(3):
            assert app.container().drain.run(lambda: 60_000, linger_s=0).stopped == "outage"
        assert drain_told(office)["state"] == "outage"
        drain()
        told = office.get("/queue").json
        assert (told["drain"]["state"], told["waiting"]) == ("ok", 0)


class TestWarnings:
    """What puts accepted jobs at risk."""

    @pytest.fixture
    def evicting(self, container: Container) -> Iterator[None]:
        """Redis drops keys when its memory is full."""
        container.redis.config_set("maxmemory-policy", "volatile-lru")
        yield
        container.redis.config_set("maxmemory-policy", "noeviction")

    @pytest.mark.usefixtures("evicting")
    def test_a_redis_that_may_drop_jobs(self, office: Client, maths: Section, drain: Drain) -> None:
        """It is told in words; marks are accepted and written, and health stays as it is."""
        [warning] = office.get("/queue").json["warnings"]
        assert "maxmemory-policy noeviction, not volatile-lru" in warning
        mark(office, drain, register(maths))
        assert office.get("/health").status == 200


def test_a_stalled_job_is_told_when_redis_has_forgotten(
    office: Client, maths: Section, container: Container, drain: Drain, redis: Redis
) -> None:
    """A job that ended two consumers has not vanished: it failed, with the code `stalled`."""
    id_ = office.post("/mark", register(maths)).json["jobId"]
    for _ in range(2):
        container.queue.claim(max_jobs=1, max_records=3, lease_ms=60_000)
        leases_run_out(redis)
    drain()
    redis.flushdb()
    job = office.get(f"/jobs/{id_}").json
    assert (job["state"], job["error"]["code"], job["attemptsMade"]) == ("failed", "stalled", 0)
