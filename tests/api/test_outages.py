"""When a server is away or the queue is full: a refusal that says when to come again, and never a 202 for nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import app
from chalicelib.container import Container
from chalicelib.db.session import Database
from chalicelib.queue import JobQueue, Limits
from tests.api.client import Answer, Client
from tests.api.conftest import Bearer
from tests.api.steps import Drain, depth, mark, register
from tests.school import School, Section, new_id

Away = Callable[[str], None]


def come_again(answer: Answer, status: int, code: str) -> None:
    """A problem document of this kind, with the seconds to wait."""
    assert (answer.status, answer.code) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0


class TestQueueFull:
    """429: the bounds of a tenant and of all."""

    def test_the_tenants_bound(
        self, ann: Client, maths: Section, bearer: Bearer, database: Database, container: Container, drain: Drain
    ) -> None:
        """One tenant's rush is refused at its bound, another's register is not; after a drain there is room."""
        container.queue = JobQueue(container.redis, limits=Limits(per_tenant=2))
        other = School(database)
        assert [ann.post("/mark", register(maths)).status for _ in range(2)] == [202, 202]
        come_again(ann.post("/mark", register(maths)), 429, "queue_full")
        assert depth(container) == 2
        answer = bearer("office", tenant=other.tenant).post("/mark", register(other.section(students=1)))
        assert answer.status == 202
        drain()
        assert ann.post("/mark", register(maths)).status == 202

    def test_the_bound_of_all(self, ann: Client, maths: Section, container: Container) -> None:
        """The queue as a whole is bounded, too."""
        container.queue = JobQueue(container.redis, limits=Limits(total=1))
        assert ann.post("/mark", register(maths)).status == 202
        come_again(ann.post("/mark", register(maths)), 429, "queue_full")
        assert depth(container) == 1

    def test_a_known_key_is_answered_all_the_same(self, ann: Client, maths: Section, container: Container) -> None:
        """Who repeats what was accepted is told of the job, however full the queue is."""
        container.queue = JobQueue(container.redis, limits=Limits(per_tenant=1))
        job = ann.post("/mark", register(maths), idempotency_key="k").json["jobId"]
        assert ann.post("/mark", register(maths), idempotency_key="k").json["jobId"] == job


class TestRedisAway:
    """Nothing can be accepted; what is in Postgres can be read."""

    def test_marks_are_refused(self, ann: Client, office: Client, school: School, maths: Section, away: Away) -> None:
        """503, never a 202 that is on no list."""
        staff = {"date": register(maths)["date"], "records": [{"staff_id": school.staff(), "status": "PRESENT"}]}
        away("redis")
        come_again(ann.post("/mark", register(maths)), 503, "unavailable")
        come_again(office.post("/staff/mark", staff), 503, "unavailable")

    def test_what_is_wrong_by_itself_is_told_without_redis(self, ann: Client, maths: Section, away: Away) -> None:
        """400, 401, 415 and faults that need no register do not wait for Redis."""
        away("redis")
        assert ann.post("/mark", raw=b"{").status == 400
        assert ann.post("/mark", register(maths), content_type="text/plain").status == 415
        assert ann.post("/mark", register(maths, section_id="x")).status == 422

    def test_a_job_that_has_ended(self, ann: Client, maths: Section, drain: Drain, away: Away) -> None:
        """Is told from the ledger; of any other nobody can say, which is no 404."""
        job = mark(ann, drain, register(maths))
        away("redis")
        told = ann.get(f"/jobs/{job['jobId']}").json
        assert told == job | {"finishedAt": told["finishedAt"]}
        come_again(ann.get(f"/jobs/{new_id()}"), 503, "unavailable")

    def test_the_queues_verbs(self, office: Client, maths: Section, away: Away) -> None:
        """List, cancel, retry."""
        job = office.post("/mark", register(maths)).json["jobId"]
        away("redis")
        come_again(office.get("/jobs"), 503, "unavailable")
        come_again(office.delete(f"/jobs/{job}"), 503, "unavailable")
        come_again(office.post(f"/jobs/{job}/retry"), 503, "unavailable")

    def test_reading(self, office: Client, school: School, maths: Section, drain: Drain, away: Away) -> None:
        """Marks, changes and settings are in Postgres."""
        mark(office, drain, register(maths))
        away("redis")
        assert len(office.get("/records").json["items"]) == 3
        for path in ("/staff/records", "/audit", "/sections", "/staff", "/sessions", "/periods", "/settings"):
            assert office.get(path).status == 200, path

    def test_settings_are_not_changed_halfway(self, admin: Client, away: Away, container: Container) -> None:
        """503 means that the change was not made: else marks would be judged by rules that no longer hold."""
        before = admin.get("/settings").json
        away("redis")
        come_again(admin.put("/settings", before | {"backdate_days": 99}), 503, "unavailable")
        assert admin.get("/settings").json == before


class TestPostgresAway:
    """Marks are accepted all the same as long as the register is in Redis."""

    def test_a_warm_register(self, ann: Client, maths: Section, away: Away, drain: Drain) -> None:
        """202; the job is followed in Redis, and applied when Postgres is back."""
        ann.post("/mark", register(maths))
        away("postgres")
        answer = ann.post("/mark", register(maths))
        assert answer.status == 202
        assert ann.get(f"/jobs/{answer.json['jobId']}").json["state"] == "waiting"
        assert app.container().drain.run(lambda: 60_000, linger_s=0).stopped == "outage"
        assert ann.get(f"/jobs/{answer.json['jobId']}").json["attemptsMade"] == 0
        drain()
        assert ann.get(f"/jobs/{answer.json['jobId']}").json["state"] == "completed"

    def test_a_cold_register(self, ann: Client, maths: Section, away: Away, container: Container) -> None:
        """503: nobody can say who is enrolled."""
        away("postgres")
        come_again(ann.post("/mark", register(maths)), 503, "unavailable")
        assert depth(container) == 0

    @pytest.mark.parametrize(
        "path",
        ["/records", "/staff/records", "/audit", "/sections", "/staff", "/sessions", "/periods", "/settings", "/jobs",
         "/settings/history"],
    )  # fmt: skip
    def test_reading(self, path: str, office: Client, away: Away) -> None:
        """503 with the seconds to wait."""
        away("postgres")
        come_again(office.get(path), 503, "unavailable")

    def test_settings(self, admin: Client, away: Away) -> None:
        """Neither read nor changed."""
        settings = admin.get("/settings").json
        away("postgres")
        come_again(admin.put("/settings", settings), 503, "unavailable")
