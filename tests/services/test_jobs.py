"""Reporting jobs: from Redis, else from the ledger, to those whom they concern."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chalicelib.db.session import Database
from chalicelib.domain.attendance import Role
from chalicelib.domain.job_state import JobState
from chalicelib.errors import Conflict, Forbidden, NotFound, Unavailable
from chalicelib.queue import JobQueue
from chalicelib.services.drain import Drain
from chalicelib.services.jobs import JobReporter, JobView
from chalicelib.services.reading import PostgresMarks
from tests.queue.steps import KEYS, retries_fall_due
from tests.school import School, Section, new_id
from tests.services.steps import actor, drained, submit


@pytest.fixture
def reporter(queue: JobQueue, database: Database) -> JobReporter:
    """Asks Redis, then the ledger."""
    return JobReporter(queue, lambda: PostgresMarks(database))


@pytest.fixture
def section(school: School) -> Section:
    """A section with two students, taught by ann."""
    return school.section(students=2, teachers=["ann"])


def no_ledger() -> PostgresMarks:
    """Postgres may not be asked."""
    raise AssertionError("the ledger was asked")


def redis_forgets(redis: Redis, *jobs: str) -> None:
    """The retention of jobs is over."""
    redis.delete(*(KEYS.job(job) for job in jobs))


def dies(drain: Drain, redis: Redis) -> None:
    """What cannot be written has used up its attempts."""
    for _ in range(3):
        drained(drain)
        retries_fall_due(redis)


def mark(queue: JobQueue, school: School, section: Section, status: str = "PRESENT", submitted_by: str = "ann") -> str:
    """A register of the section."""
    marks = dict.fromkeys(section.students, status)
    return submit(queue, school, marks, section=section.id, submitted_by=submitted_by)


def test_a_fresh_job_is_told_by_redis_alone(queue: JobQueue, drain: Drain, school: School, section: Section) -> None:
    """From waiting to completed, without Postgres: it is asked for while one still looks at the screen."""
    reporter = JobReporter(queue, no_ledger)
    job_id = mark(queue, school, section)
    ann = actor(school, Role.TEACHER)
    waiting = reporter.find(ann, job_id)
    assert (waiting.state, waiting.processed, waiting.total, waiting.result) == (JobState.WAITING, 0, 2, None)
    assert (waiting.started_at, waiting.finished_at, waiting.attempts_made) == (None, None, 0)
    drained(drain)
    done = reporter.find(ann, job_id)
    assert (done.state, done.processed, done.attempts_made, done.submitted_by) == (JobState.COMPLETED, 2, 1, "ann")
    assert done.result == {"applied": 2, "unchanged": 0, "superseded": 0, "rejected": []}
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.submitted_at <= done.started_at <= done.finished_at


def test_the_ledger_tells_what_redis_has_forgotten(
    queue: JobQueue, drain: Drain, reporter: JobReporter, redis: Redis, school: School, section: Section
) -> None:
    """Word for word, but for the moment of the end, which each notes by its own clock."""
    job_id = mark(queue, school, section)
    drained(drain)
    office = actor(school, Role.OFFICE, subject="olga")
    before = reporter.find(office, job_id)
    redis_forgets(redis, job_id)
    after = reporter.find(office, job_id)
    assert after.finished_at is not None
    assert replace(after, finished_at=before.finished_at) == before


def test_a_dead_job_is_told_with_its_reason_by_either(
    queue: JobQueue, drain: Drain, reporter: JobReporter, redis: Redis, school: School
) -> None:
    """Also when only the ledger remembers."""
    job_id = submit(queue, school, {new_id(): "PRESENT"}, data=b"{")
    dies(drain, redis)
    ann = actor(school, Role.TEACHER)
    before = reporter.find(ann, job_id)
    assert (before.state, before.attempts_made, before.processed, before.result) == (JobState.FAILED, 3, 0, None)
    assert (before.error or {})["code"] == "not_writable"
    redis_forgets(redis, job_id)
    after = reporter.find(ann, job_id)
    assert replace(after, finished_at=before.finished_at, started_at=before.started_at) == before


def test_a_job_that_nobody_knows_is_not_found(reporter: JobReporter, school: School) -> None:
    """Neither Redis nor the ledger."""
    with pytest.raises(NotFound):
        reporter.find(actor(school, Role.OFFICE), new_id())


def test_another_tenants_job_is_not_found(
    queue: JobQueue, drain: Drain, reporter: JobReporter, redis: Redis, school: School, section: Section
) -> None:
    """Not forbidden: that would say that it is there. While it waits, when it is done, when Redis has forgotten."""
    stranger = actor(School(school.database), Role.ADMIN)
    job_id = mark(queue, school, section)
    moves: list[Callable[[], object]] = [lambda: None, lambda: drained(drain), lambda: redis_forgets(redis, job_id)]
    for move in moves:
        move()
        with pytest.raises(NotFound):
            reporter.find(stranger, job_id)
    waiting = mark(queue, school, section)
    for verb in (reporter.cancel, reporter.retry):
        with pytest.raises(NotFound):
            verb(stranger, waiting)


def test_a_job_is_shown_to_its_submitter_and_to_the_office(
    queue: JobQueue, drain: Drain, reporter: JobReporter, redis: Redis, school: School, section: Section
) -> None:
    """A colleague is refused, from Redis and from the ledger alike."""
    job_id = mark(queue, school, section, submitted_by="ann")
    drained(drain)
    moves: list[Callable[[], object]] = [lambda: None, lambda: redis_forgets(redis, job_id)]
    for move in moves:
        move()
        assert reporter.find(actor(school, Role.TEACHER, subject="ann"), job_id).id == job_id
        assert reporter.find(actor(school, Role.OFFICE, subject="olga"), job_id).id == job_id
        assert reporter.find(actor(school, Role.ADMIN, subject="ada"), job_id).id == job_id
        for role in (Role.TEACHER, Role.STAFF, Role.SERVICE, Role.GUARDIAN):
            with pytest.raises(Forbidden):
                reporter.find(actor(school, role, subject="bo"), job_id)


def test_waiting_ends_as_soon_as_the_job_does(
    queue: JobQueue, drain: Drain, reporter: JobReporter, school: School, section: Section
) -> None:
    """Long before the time that was asked for."""
    job_id = mark(queue, school, section)
    consumer = threading.Timer(0.15, drained, [drain])
    consumer.start()
    began = time.monotonic()
    view = reporter.find(actor(school, Role.TEACHER), job_id, wait_s=20)
    assert view.state is JobState.COMPLETED
    assert time.monotonic() - began < 15
    consumer.join()


def test_waiting_ends_when_its_time_is_over(
    queue: JobQueue, reporter: JobReporter, school: School, section: Section
) -> None:
    """With the job as it is."""
    job_id = mark(queue, school, section)
    began = time.monotonic()
    assert reporter.find(actor(school, Role.TEACHER), job_id, wait_s=0.2).state is JobState.WAITING
    assert 0.2 <= time.monotonic() - began < 15


def test_a_finished_job_is_not_waited_for(
    queue: JobQueue, drain: Drain, database: Database, school: School, section: Section
) -> None:
    """There is no pause before the first look, nor after the last."""

    def no_sleep(seconds: float) -> None:
        raise AssertionError("slept")

    reporter = JobReporter(queue, lambda: PostgresMarks(database), no_sleep)
    job_id = mark(queue, school, section)
    drained(drain)
    assert reporter.find(actor(school, Role.TEACHER), job_id, wait_s=20).state is JobState.COMPLETED


def test_without_redis_the_ledger_tells_what_is_done(
    queue: JobQueue, drain: Drain, database: Database, school: School, section: Section
) -> None:
    """And of what it does not know nobody says that it does not exist."""
    job_id = mark(queue, school, section)
    drained(drain)
    away = JobQueue(Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)))
    reporter = JobReporter(away, lambda: PostgresMarks(database))
    assert reporter.find(actor(school, Role.TEACHER), job_id).state is JobState.COMPLETED
    with pytest.raises(Unavailable):
        reporter.find(actor(school, Role.TEACHER), new_id())


def pages(reporter: JobReporter, school: School, limit: int, state: JobState | None = None) -> list[list[JobView]]:
    """All pages of the list, from the newest job to the oldest."""
    found: list[list[JobView]] = []
    before: str | None = None
    while True:
        views, before = reporter.list(actor(school, Role.OFFICE), state=state, before=before, limit=limit)
        found.append(views)
        if before is None:
            return found


def test_the_list_joins_redis_and_the_ledger_without_doubles(
    queue: JobQueue, drain: Drain, reporter: JobReporter, redis: Redis, school: School, section: Section
) -> None:
    """Forgotten, completed and waiting jobs in one row, the newest first, in pages of any size."""
    forgotten = [mark(queue, school, section) for _ in range(3)]
    drained(drain)
    redis_forgets(redis, *forgotten)
    completed = [mark(queue, school, section) for _ in range(3)]
    drained(drain)
    redis_forgets(redis, completed[1])
    waiting = [mark(queue, school, section) for _ in range(2)]
    newest_first = [*forgotten, *completed, *waiting][::-1]
    for limit in (1, 2, 3, 7, 8, 9, 100):
        found = pages(reporter, school, limit)
        assert [view.id for page in found for view in page] == newest_first
        assert all(len(page) == limit for page in found[:-1])
        assert 0 < len(found[-1]) <= limit
    states = {view.id: view.state for page in pages(reporter, school, 100) for view in page}
    assert {states[job] for job in waiting} == {JobState.WAITING}
    assert {states[job] for job in forgotten + completed} == {JobState.COMPLETED}


def test_the_list_can_be_of_one_state(
    queue: JobQueue, drain: Drain, reporter: JobReporter, redis: Redis, school: School, section: Section
) -> None:
    """Among jobs of other states, in pages."""
    poison = [submit(queue, school, {new_id(): "PRESENT"}, data=b"{") for _ in range(3)]
    done = [mark(queue, school, section) for _ in range(3)]
    dies(drain, redis)
    redis_forgets(redis, poison[0], done[2])
    waiting = [mark(queue, school, section) for _ in range(4)]
    wanted = {JobState.FAILED: poison, JobState.COMPLETED: done, JobState.WAITING: waiting, JobState.DELAYED: []}
    for state, jobs in wanted.items():
        for limit in (1, 2, 100):
            found = [view for page in pages(reporter, school, limit, state) for view in page]
            assert [view.id for view in found] == jobs[::-1]
            assert {view.state for view in found} <= {state}


def test_the_list_is_the_tenants_own(
    queue: JobQueue, drain: Drain, reporter: JobReporter, school: School, section: Section
) -> None:
    """Neither Redis nor the ledger tells of another's."""
    mark(queue, school, section)
    drained(drain)
    mark(queue, school, section)
    assert pages(reporter, School(school.database), 10) == [[]]


@pytest.mark.parametrize("newer", [0, 5])
def test_a_dead_job_that_was_sent_again_is_not_listed_as_dead(
    queue: JobQueue, drain: Drain, reporter: JobReporter, redis: Redis, school: School, section: Section, newer: int
) -> None:
    """The ledger still has it as failed; Redis knows better, however many jobs have come since."""
    job_id = submit(queue, school, {new_id(): "PRESENT"}, data=b"{")
    dies(drain, redis)
    for _ in range(newer):
        mark(queue, school, section)
    office = actor(school, Role.OFFICE)
    assert reporter.retry(office, job_id).state is JobState.WAITING
    assert [view.id for page in pages(reporter, school, 2, JobState.FAILED) for view in page] == []
    assert job_id in [view.id for page in pages(reporter, school, 2, JobState.WAITING) for view in page]
    states = {view.id: view.state for page in pages(reporter, school, 2) for view in page}
    assert states[job_id] is JobState.WAITING


def test_a_waiting_job_can_be_cancelled_and_is_never_written(
    queue: JobQueue, drain: Drain, reporter: JobReporter, school: School, section: Section
) -> None:
    """The office changed its mind in time; a second time there is nothing to cancel."""
    office = actor(school, Role.OFFICE)
    job_id = mark(queue, school, section)
    assert reporter.cancel(office, job_id).state is JobState.CANCELLED
    assert drained(drain).completed == 0
    assert school.run("select * from student_attendance") == []
    with pytest.raises(Conflict):
        reporter.retry(office, job_id)


def test_what_is_done_can_be_neither_cancelled_nor_retried(
    queue: JobQueue, drain: Drain, reporter: JobReporter, redis: Redis, school: School, section: Section
) -> None:
    """Also when only the ledger remembers it: a conflict, since the job is known."""
    office = actor(school, Role.OFFICE)
    job_id = mark(queue, school, section)
    drained(drain)
    moves: list[Callable[[], object]] = [lambda: None, lambda: redis_forgets(redis, job_id)]
    for move in moves:
        move()
        for verb in (reporter.cancel, reporter.retry):
            with pytest.raises(Conflict):
                verb(office, job_id)
