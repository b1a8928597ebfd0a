"""Following a job by WebSocket: the present state first, then what moves, told as GET /jobs/{jobId} tells it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from redis import Redis

from chalicelib.container import Container
from chalicelib.domain.job_state import JobState
from chalicelib.queue import Backoff, Lane, NewJob, new_job_id
from chalicelib.realtime.connections import MAX_FOLLOWED
from chalicelib.realtime.messages import MAX_EVENT, job_event
from chalicelib.services.drain import Report
from chalicelib.services.jobs import JobView
from tests.realtime.client import wait_until
from tests.realtime.conftest import Bearer, Person
from tests.school import School, Section, new_id

Drain = Callable[[], Report]


@pytest.mark.parametrize("variables", [1, 4], indirect=True, ids=lambda shards: f"shards={shards}")
def test_a_job_is_followed_through_a_drain(ann: Person, maths: Section, drain: Drain) -> None:
    """It waits when the subscription comes, and the last event is the finished job, word for word that of GET."""
    job_id = ann.mark(maths)
    with ann.connect() as live:
        present = live.follow(job_id)
        assert present == ann.job(job_id)
        assert present["state"] == "waiting"
        drain()
        last = live.until("completed")[-1]
        assert last == ann.job(job_id)
        assert last["result"] == {"applied": 3, "unchanged": 0, "superseded": 0, "rejected": []}


def test_a_finished_job_is_told_at_once(ann: Person, maths: Section, drain: Drain) -> None:
    """Who subscribes too late loses nothing, and is subscribed to nothing that will never move."""
    job_id = ann.mark(maths)
    drain()
    with ann.connect() as live:
        assert live.follow(job_id) == ann.job(job_id)


def test_who_may_see_a_job_by_get_may_follow_it(office: Person, ann: Person, bearer: Bearer, maths: Section) -> None:
    """The submitter and the office; anybody else of the tenant is forbidden."""
    job_id = ann.mark(maths)
    with office.connect() as live:
        assert live.follow(job_id)["state"] == "waiting"
    with bearer("teacher", "bob").connect() as live:
        refused = live.ask(action="subscribe", jobId=job_id)
        assert (refused["type"], refused["code"], refused["jobId"]) == ("error", "forbidden", job_id)


def test_another_tenants_job_is_not_there(ann: Person, bearer: Bearer, school: School, maths: Section) -> None:
    """Neither is its existence told, nor anything of it heard later."""
    other = School(school.database)
    job_id = ann.mark(maths)
    with bearer("admin", tenant=other.tenant).connect() as live:
        told = [live.ask(action="subscribe", jobId=one) for one in (job_id, new_id())]
        assert {event["code"] for event in told} == {"not_found"}
        assert told[0]["detail"] == told[1]["detail"]


def test_a_poison_jobs_delay_and_end_are_told(office: Person, school: School, container: Container) -> None:
    """Delayed for its next attempt, then failed, with the error."""
    job_id = new_job_id()
    job = NewJob(
        job_id, school.tenant, "nonsense", Lane.BULK, 1, b"{}", "{}", "the-office", max_attempts=2, backoff=Backoff(50)
    )
    container.queue.enqueue(job)
    with office.connect() as live:
        live.follow(job_id)
        container.drain.run(lambda: 60_000, linger_s=0)
        delayed = live.until("delayed")[-1]
        assert (delayed["attemptsMade"], delayed["error"]["code"]) == (1, "not_writable")
        container.drain.run(lambda: 60_000, linger_s=0.2)
        failed = live.until("failed")[-1]
        assert failed["attemptsMade"] == 2
        assert office.ask("POST", f"/jobs/{job_id}/retry").status_code == 202
        assert live.until("waiting")[-1] == office.job(job_id)


def test_a_cancelled_job_is_told(ann: Person, office: Person, maths: Section) -> None:
    """The office takes it off the list; the teacher who follows it knows at once."""
    job_id = ann.mark(maths)
    with ann.connect() as live:
        live.follow(job_id)
        assert office.ask("DELETE", f"/jobs/{job_id}").status_code == 200
        assert live.until("cancelled", timeout=15)[-1] == ann.job(job_id)


def test_an_unsubscribed_job_is_silent(ann: Person, maths: Section, drain: Drain) -> None:
    """And to unsubscribe twice does no harm."""
    job_id = ann.mark(maths)
    with ann.connect() as live:
        live.follow(job_id)
        for _ in range(2):
            told = live.ask(action="unsubscribe", jobId=job_id)
            assert told == {"type": "unsubscribed", "jobId": job_id}
        drain()
        assert live.silent(0.3)


def test_the_office_follows_all_jobs_of_its_tenant(
    office: Person, ann: Person, bearer: Bearer, school: School, maths: Section, drain: Drain
) -> None:
    """Those that are there come first, oldest first; another tenant's are never heard."""
    other = School(school.database)
    elsewhere = other.section(students=1, teachers=["eve"])
    before = [ann.mark(maths), ann.mark(maths)]
    foreign = bearer("teacher", "eve", tenant=other.tenant).mark(elsewhere)
    with office.connect() as live:
        assert live.ask(action="subscribe", queue=True) == {"type": "subscribed", "queue": True}
        assert [live.job()["jobId"] for _ in before] == before
        after = ann.mark(maths)
        drain()
        completed = set[str]()
        while completed != {*before, after}:
            job = live.job()
            assert job["jobId"] != foreign
            completed |= {job["jobId"]} if job["state"] == "completed" else set()
        assert live.ask(action="unsubscribe", queue=True) == {"type": "unsubscribed", "queue": True}
        ann.mark(maths)
        drain()
        assert live.silent(0.3)


def test_all_jobs_are_for_the_office(ann: Person) -> None:
    """A teacher follows jobs one by one."""
    with ann.connect() as live:
        refused = live.ask(action="subscribe", queue=True)
        assert (refused["type"], refused["code"]) == ("error", "forbidden")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "malformed_json"),
        ("{", "malformed_json"),
        ("[]", "validation_failed"),
        ("null", "validation_failed"),
        ("{}", "validation_failed"),
        ('{"action": "dance"}', "validation_failed"),
        ('{"action": "subscribe"}', "validation_failed"),
        ('{"action": "subscribe", "queue": false}', "validation_failed"),
        ('{"action": "subscribe", "jobId": "7"}', "validation_failed"),
        (
            '{"action": "subscribe", "jobId": "019a6f0c-3f5e-7a41-9c0d-2b7d1a5f7c11","queue": true}',
            "validation_failed",
        ),
        ('{"action": "ping", "queue": true}', "validation_failed"),
        ('{"action": "ping", "misspelt": 1}', "validation_failed"),
        ('{"action": "ping", "action": "ping"}', "malformed_json"),
        ('{"action": "🐈"}', "validation_failed"),
        (" " * 4097, "too_large"),
    ],
)
def test_a_bad_message_is_answered_and_the_connection_stays(ann: Person, text: str, code: str) -> None:
    """By an error event with the API's code."""
    with ann.connect() as live:
        live.socket.send(text)
        refused = live.hear()
        assert (refused["type"], refused["code"]) == ("error", code)
        assert refused["detail"]
        assert live.ask(action="ping") == {"type": "pong"}


def test_bytes_are_a_bad_message_too(ann: Person) -> None:
    """Messages are text."""
    with ann.connect() as live:
        live.socket.send(b'{"action": "ping"}')
        assert live.hear()["code"] == "malformed_json"


def test_a_connection_follows_so_many_jobs_and_no_more(ann: Person, school: School, container: Container) -> None:
    """One more is refused; after unsubscribing from one there is room again."""
    jobs = [new_job_id() for _ in range(MAX_FOLLOWED + 1)]
    for job_id in jobs:
        container.queue.enqueue(NewJob(job_id, school.tenant, "student", Lane.BULK, 1, b"{}", "{}", "ann"))
    with ann.connect() as live:
        for job_id in jobs[:-1]:
            live.follow(job_id)
        assert live.ask(action="subscribe", jobId=jobs[-1])["code"] == "conflict"
        live.ask(action="unsubscribe", jobId=jobs[0])
        assert live.follow(jobs[-1])["state"] == "waiting"


def test_a_completed_job_takes_no_room(ann: Person, maths: Section, drain: Drain, redis: Redis) -> None:
    """What will never move again is followed no more, by anybody."""
    with ann.connect() as live, ann.connect() as second:
        job_id = ann.mark(maths)
        live.follow(job_id)
        second.follow(job_id)
        drain()
        live.until("completed")
        second.until("completed")
        wait_until(lambda: not list(redis.scan_iter("*:live:*:job:*")))
        wait_until(lambda: not list(redis.scan_iter("*:follows")))


def test_a_job_too_long_for_a_message_is_told_without_its_rejected_records() -> None:
    """The message says so, and fits; GET has them all."""
    rejected = [{"student_id": new_id(), "code": "not_enrolled"} for _ in range(5_000)]
    now = datetime.now(UTC)
    view = JobView(
        id=new_job_id(), kind="student", state=JobState.COMPLETED, processed=5_000, total=5_000, attempts_made=1,
        max_attempts=3, submitted_by="ann", submitted_at=now, started_at=now, finished_at=now,
        result={"applied": 0, "unchanged": 0, "superseded": 0, "rejected": rejected}, error=None,
    )  # fmt: skip
    text = job_event(view)
    assert len(text.encode()) <= MAX_EVENT
    assert '"truncated":true' in text
    assert '"rejected":[]' in text
