"""Jobs: told in Bull's words, waited for, listed, cancelled, sent again, and still told when Redis has forgotten."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.container import Container
from chalicelib.queue import Lane, NewJob, new_job_id
from tests.api.client import Client
from tests.api.conftest import Bearer
from tests.api.steps import Drain, depth, mark, records, register
from tests.school import TODAY, School, Section, new_id

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def poison(container: Container, school: School, attempts: int = 1) -> str:
    """The id of a job that cannot be written, queued past the checks of the API."""
    job = NewJob(
        new_job_id(), school.tenant, "student", Lane.INTERACTIVE, 1, b"no JSON", "{}", "ann", max_attempts=attempts
    )
    return container.queue.enqueue(job).id


class TestShape:
    """GET /jobs/{jobId} as the contract has it."""

    def test_completed(self, ann: Client, maths: Section, drain: Drain) -> None:
        """Every field with its name and kind; who submitted it, and what kind of marks, are told besides."""
        job = mark(ann, drain, register(maths))
        instants = {name: job.pop(name) for name in ("submittedAt", "startedAt", "finishedAt")}
        assert job == {
            "jobId": job["jobId"],
            "kind": "student",
            "state": "completed",
            "progress": {"processed": 3, "total": 3, "percent": 100},
            "attemptsMade": 1,
            "maxAttempts": 3,
            "submittedBy": "ann",
            "result": {"applied": 3, "unchanged": 0, "superseded": 0, "rejected": []},
            "error": None,
        }
        assert all(INSTANT.fullmatch(instant) for instant in instants.values()), instants
        submitted, started, finished = (datetime.fromisoformat(one) for one in instants.values())
        assert datetime.now(UTC) - timedelta(minutes=1) < submitted <= started <= finished <= datetime.now(UTC)

    def test_waiting(self, ann: Client, maths: Section) -> None:
        """Nothing is done yet."""
        job = ann.get(f"/jobs/{ann.post('/mark', register(maths)).json['jobId']}").json
        assert (job["state"], job["attemptsMade"], job["startedAt"], job["finishedAt"]) == ("waiting", 0, None, None)
        assert job["progress"] == {"processed": 0, "total": 3, "percent": 0}
        assert (job["result"], job["error"]) == (None, None)

    def test_active(self, ann: Client, maths: Section, container: Container) -> None:
        """Progress is told while a consumer works."""
        id_ = ann.post("/mark", register(maths)).json["jobId"]
        [held] = container.queue.claim(max_jobs=1, max_records=10, lease_ms=60_000)
        container.queue.progress(held, 1)
        job = ann.get(f"/jobs/{id_}").json
        assert (job["state"], job["finishedAt"]) == ("active", None)
        assert job["progress"] == {"processed": 1, "total": 3, "percent": 33}
        assert INSTANT.fullmatch(job["startedAt"])

    def test_with_rejected_records(self, ann: Client, school: School, maths: Section, drain: Drain) -> None:
        """Each with its student and a code; the four counts add up to the total."""
        id_ = ann.post("/mark", register(maths)).json["jobId"]
        school.leave(maths.students[0])
        drain()
        job = ann.get(f"/jobs/{id_}").json
        assert job["result"]["rejected"] == [{"student_id": maths.students[0], "code": "not_enrolled"}]
        assert sum(job["result"][name] for name in ("applied", "unchanged", "superseded")) + 1 == 3

    def test_failed(self, office: Client, school: School, container: Container, drain: Drain) -> None:
        """The error has a code and a sentence, and nothing of the database."""
        id_ = poison(container, school)
        drain()
        job = office.get(f"/jobs/{id_}").json
        assert (job["state"], job["attemptsMade"], job["maxAttempts"], job["result"]) == ("failed", 1, 1, None)
        assert job["error"] == {"code": "not_writable", "detail": "The database refused the data."}

    def test_delayed(self, office: Client, school: School, container: Container, drain: Drain) -> None:
        """After a failed attempt the job waits for the next, and says why."""
        id_ = poison(container, school, attempts=3)
        drain()
        job = office.get(f"/jobs/{id_}").json
        assert (job["state"], job["attemptsMade"], job["error"]["code"]) == ("delayed", 1, "not_writable")


class TestWhoSees:
    """The submitter and the office."""

    def test_another_teacher(self, ann: Client, bearer: Bearer, office: Client, maths: Section, drain: Drain) -> None:
        """403 before and after the end, and when only the ledger knows."""
        id_ = ann.post("/mark", register(maths)).json["jobId"]
        bob = bearer("teacher", "bob")
        assert bob.get(f"/jobs/{id_}").status == 403
        drain()
        assert bob.get(f"/jobs/{id_}").status == 403
        assert (ann.get(f"/jobs/{id_}").status, office.get(f"/jobs/{id_}").status) == (200, 200)

    def test_a_service_follows_its_own(self, bearer: Bearer, ann: Client, maths: Section) -> None:
        """A device sees its jobs, not the teachers'."""
        kiosk = bearer("service", "kiosk")
        own = kiosk.post("/mark", register(maths)).json["jobId"]
        assert kiosk.get(f"/jobs/{own}").status == 200
        assert kiosk.get(f"/jobs/{ann.post('/mark', register(maths)).json['jobId']}").status == 403

    @pytest.mark.parametrize("id_", ["7", "x" * 36, "00000000-0000-0000-0000-000000000000", "..", "%00"])
    def test_what_is_no_job(self, id_: str, office: Client) -> None:
        """404, whatever it looks like."""
        for answer in (office.get(f"/jobs/{id_}"), office.delete(f"/jobs/{id_}"), office.post(f"/jobs/{id_}/retry")):
            assert (answer.status, answer.code) == (404, "not_found")

    def test_an_id_in_upper_case(self, ann: Client, maths: Section) -> None:
        """Is the same id."""
        id_ = ann.post("/mark", register(maths)).json["jobId"]
        assert ann.get(f"/jobs/{id_.upper()}").json["jobId"] == id_


class TestWait:
    """`wait` holds the answer back until the end of the job."""

    def test_it_answers_when_the_job_ends(self, ann: Client, maths: Section, drain: Drain) -> None:
        """Not at once, and long before the time is up."""
        id_ = ann.post("/mark", register(maths)).json["jobId"]
        threading.Timer(0.3, drain).start()
        began = time.monotonic()
        job = ann.get(f"/jobs/{id_}", {"wait": 20}).json
        assert job["state"] == "completed"
        assert 0.25 < time.monotonic() - began < 15

    def test_it_gives_up_in_time(self, ann: Client, maths: Section) -> None:
        """The job as it is then."""
        id_ = ann.post("/mark", register(maths)).json["jobId"]
        began = time.monotonic()
        assert ann.get(f"/jobs/{id_}", {"wait": "0.3"}).json["state"] == "waiting"
        assert 0.3 <= time.monotonic() - began < 15

    def test_it_does_not_wait_for_what_has_ended(self, ann: Client, maths: Section, drain: Drain) -> None:
        """Nor for a job that nobody knows."""
        job = mark(ann, drain, register(maths))
        began = time.monotonic()
        assert ann.get(f"/jobs/{job['jobId']}", {"wait": 20}).json == job
        assert ann.get(f"/jobs/{new_id()}", {"wait": 20}).status == 404
        assert time.monotonic() - began < 15

    @pytest.mark.parametrize("wait", ["-0.1", "-1", "20.1", "21", "1e9", "nan", "inf", "-inf", "", "soon", "0x1"])
    def test_out_of_bounds(self, wait: str, office: Client) -> None:
        """422, naming the parameter."""
        answer = office.get(f"/jobs/{new_id()}", {"wait": wait})
        assert (answer.status, answer.code) == (422, "validation_failed")
        assert [where for where, _ in answer.faults] == ["wait"]

    @pytest.mark.parametrize("wait", ["0", "20", "0.5", "20.0"])
    def test_within_bounds(self, wait: str, ann: Client, maths: Section, drain: Drain) -> None:
        """0 to 20 seconds, parts of a second too."""
        assert ann.get(f"/jobs/{mark(ann, drain, register(maths))['jobId']}", {"wait": wait}).status == 200


class TestList:
    """GET /jobs, for the office."""

    def test_newest_first_in_pages(self, office: Client, maths: Section) -> None:
        """Each job once, the whole of it as GET /jobs/{jobId} tells it."""
        ids = [office.post("/mark", register(maths)).json["jobId"] for _ in range(5)]
        first = office.get("/jobs", {"limit": 2}).json
        second = office.get("/jobs", {"limit": 2, "cursor": first["next_cursor"]}).json
        third = office.get("/jobs", {"limit": 2, "cursor": second["next_cursor"]}).json
        items = [*first["items"], *second["items"], *third["items"]]
        assert [item["jobId"] for item in items] == ids[::-1]
        assert third["next_cursor"] is None
        assert items[0] == office.get(f"/jobs/{ids[-1]}").json

    def test_jobs_that_arrive_shift_no_page(self, office: Client, maths: Section) -> None:
        """The next page goes on where the one before ended."""
        ids = [office.post("/mark", register(maths)).json["jobId"] for _ in range(4)]
        first = office.get("/jobs", {"limit": 2}).json
        office.post("/mark", register(maths))
        second = office.get("/jobs", {"limit": 2, "cursor": first["next_cursor"]}).json
        assert [item["jobId"] for item in second["items"]] == ids[1::-1]

    def test_by_state(self, office: Client, school: School, maths: Section, container: Container, drain: Drain) -> None:
        """Each state holds its own."""
        failed, completed = poison(container, school), office.post("/mark", register(maths)).json["jobId"]
        drain()
        cancelled, waiting = (office.post("/mark", register(maths)).json["jobId"] for _ in range(2))
        office.delete(f"/jobs/{cancelled}")
        expected = {"failed": failed, "completed": completed, "cancelled": cancelled, "waiting": waiting}
        for state, id_ in expected.items():
            page = office.get("/jobs", {"state": state}).json
            assert [(item["jobId"], item["state"]) for item in page["items"]] == [(id_, state)]
        assert office.get("/jobs", {"state": "active"}).json == {"items": [], "next_cursor": None}

    def test_what_redis_forgot_is_listed_from_the_ledger(
        self, office: Client, maths: Section, drain: Drain, container: Container
    ) -> None:
        """Together with what is new, in one order, none twice."""
        old = [mark(office, drain, register(maths))["jobId"] for _ in range(2)]
        container.redis.flushdb()
        new = [mark(office, drain, register(maths))["jobId"], office.post("/mark", register(maths)).json["jobId"]]
        listed = office.get("/jobs").json["items"]
        assert [item["jobId"] for item in listed] == [*old, *new][::-1]
        pages: list[str] = []
        cursor: dict[str, Any] = {}
        for _ in range(4):
            page = office.get("/jobs", {"limit": 1, **cursor}).json
            pages += [item["jobId"] for item in page["items"]]
            cursor = {"cursor": page["next_cursor"]}
        assert pages == [*old, *new][::-1]
        assert cursor == {"cursor": None}

    @pytest.mark.parametrize(
        "query",
        [{"state": "done"}, {"state": ""}, {"limit": 0}, {"limit": 501}, {"limit": "x"}, {"limit": "1.5"},
         {"cursor": "x"}, {"sate": "failed"}, {"state": ["failed", "failed"]}],
        ids=str,
    )  # fmt: skip
    def test_a_wrong_question(self, query: dict[str, Any], office: Client) -> None:
        """422, naming the parameter."""
        answer = office.get("/jobs", query)
        assert (answer.status, answer.code) == (422, "validation_failed")
        assert [where for where, _ in answer.faults] == list(query)


class TestCancel:
    """DELETE /jobs/{jobId}: for jobs that no consumer has begun."""

    def test_a_waiting_job(self, office: Client, maths: Section, drain: Drain, container: Container) -> None:
        """It is cancelled, and its marks are never written."""
        id_ = office.post("/mark", register(maths)).json["jobId"]
        answer = office.delete(f"/jobs/{id_}")
        assert (answer.status, answer.json["state"], answer.json["jobId"]) == (200, "cancelled", id_)
        assert depth(container) == 0
        drain()
        assert office.get("/records").json["items"] == []
        assert office.get(f"/jobs/{id_}").json["state"] == "cancelled"

    def test_a_delayed_job(self, office: Client, school: School, container: Container, drain: Drain) -> None:
        """A job between two attempts can be cancelled, too."""
        id_ = poison(container, school, attempts=3)
        drain()
        assert office.delete(f"/jobs/{id_}").json["state"] == "cancelled"

    def test_a_job_that_has_begun_or_ended(
        self, office: Client, maths: Section, drain: Drain, container: Container
    ) -> None:
        """409, also when only the ledger knows of it; it stays as it is."""
        id_ = office.post("/mark", register(maths)).json["jobId"]
        [held] = container.queue.claim(max_jobs=1, max_records=10, lease_ms=60_000)
        assert (office.delete(f"/jobs/{id_}").status, office.delete(f"/jobs/{id_}").code) == (409, "conflict")
        container.queue.release([held])
        drain()
        assert office.delete(f"/jobs/{id_}").status == 409
        container.redis.flushdb()
        assert office.delete(f"/jobs/{id_}").status == 409
        assert office.get(f"/jobs/{id_}").json["state"] == "completed"


class TestRetry:
    """POST /jobs/{jobId}/retry: for the dead."""

    def test_a_dead_job(self, office: Client, school: School, container: Container, drain: Drain) -> None:
        """202 with fresh attempts; it is tried again."""
        id_ = poison(container, school)
        drain()
        answer = office.post(f"/jobs/{id_}/retry")
        assert answer.status == 202
        assert answer.headers["location"].endswith(f"/jobs/{id_}")
        assert (answer.json["state"], answer.json["attemptsMade"], answer.json["error"]) == ("waiting", 0, None)
        assert office.get("/jobs", {"state": "failed"}).json["items"] == []
        drain()
        assert office.get(f"/jobs/{id_}").json["state"] == "failed"

    def test_a_dead_job_that_can_be_written_now(
        self, office: Client, school: School, maths: Section, container: Container, drain: Drain
    ) -> None:
        """Its marks are applied, and the ledger forgets that it was dead."""
        data = (
            f'{{"date": "{TODAY}", "section_id": "{maths.id}", "actor": {{"id": "ann", "role": "teacher"}}, "records": '
            f'[{{"student_id": "{maths.students[0]}", "status": "PRESENT"}}]}}'
        )
        job = NewJob(new_job_id(), school.tenant, "student", Lane.BULK, 1, data.encode(), "{}", "ann", max_attempts=1)
        container.queue.enqueue(job)
        [held] = container.queue.claim(max_jobs=1, max_records=10, lease_ms=60_000)
        container.queue.fail(held, '{"code": "not_writable"}')
        assert office.get(f"/jobs/{job.id}").json["state"] == "failed"
        assert office.post(f"/jobs/{job.id}/retry").status == 202
        drain()
        assert office.get(f"/jobs/{job.id}").json["result"]["applied"] == 1
        container.redis.flushdb()
        assert office.get(f"/jobs/{job.id}").json["state"] == "completed"

    def test_a_job_that_is_not_dead(self, office: Client, maths: Section, drain: Drain, container: Container) -> None:
        """409 for one that waits, has ended, or that only the ledger knows."""
        waiting = office.post("/mark", register(maths)).json["jobId"]
        assert office.post(f"/jobs/{waiting}/retry").status == 409
        drain()
        assert office.post(f"/jobs/{waiting}/retry").code == "conflict"
        container.redis.flushdb()
        assert office.post(f"/jobs/{waiting}/retry").status == 409


def test_the_ledger_tells_what_redis_told(
    ann: Client, school: School, maths: Section, drain: Drain, container: Container
) -> None:
    """A completed job reads the same from both, but for the moment at which it was finished."""
    id_ = ann.post("/mark", register(maths, records=records(maths.students, "ABSENT"))).json["jobId"]
    school.leave(maths.students[2])
    drain()
    fresh = ann.get(f"/jobs/{id_}").json
    container.redis.flushdb()
    kept = ann.get(f"/jobs/{id_}").json
    for job in (fresh, kept):
        assert INSTANT.fullmatch(job.pop("finishedAt"))
    assert kept == fresh


def test_a_retry_rings_the_drain(
    office: Client, school: School, container: Container, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job does not wait for the schedule."""
    rung: list[str] = []

    class Bell:
        def ring(self, shard: int) -> None:
            rung.append("ring")

    id_ = poison(container, school)
    drain()
    container.redis.delete("{rollcall}:bell")
    monkeypatch.setitem(container.__dict__, "jobs", replace(container.jobs, doorbell=Bell()))
    assert office.post(f"/jobs/{id_}/retry").status == 202
    assert rung == ["ring"]
