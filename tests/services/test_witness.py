"""What a drain tells those who watch: of each job that ends, of each round, and of the queue while it goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from chalicelib.queue import JobQueue
from chalicelib.services.drain import Drain, Report
from chalicelib.services.witness import LOOK_S, DrainWitness
from chalicelib.watch.metrics import Meter
from chalicelib.watch.traces import XRay
from tests.queue.steps import KEYS, leases_run_out, retries_fall_due
from tests.school import School, new_id
from tests.services.steps import drained, submit
from tests.watch.daemon import Daemon
from tests.watch.emf import figures_of

ROOT = "1-5e66d96f-7491f0912345678918acf3d0"
TRACE = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """X-Ray's."""
    with Daemon() as made:
        yield made


@pytest.fixture
def watched(drain: Drain, queue: JobQueue, daemon: Daemon, caplog: pytest.LogCaptureFixture) -> Drain:
    """A drain that is watched."""
    caplog.set_level(logging.INFO, "chalicelib")
    return replace(drain, witness=DrainWitness(queue, Meter("dev"), XRay(daemon.address)))


@pytest.fixture
def figures(caplog: pytest.LogCaptureFixture) -> Callable[[], dict[str, float]]:
    """The figures of the one line that was told since it was asked last."""

    def told() -> dict[str, float]:
        [line] = [record.__dict__["emf"] for record in caplog.records if "emf" in record.__dict__]
        caplog.clear()
        return figures_of(line)

    return told


def ended(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The lines of jobs."""
    return [record.__dict__ for record in caplog.records if record.name == "chalicelib.services.witness"]


def test_a_round_tells_in_one_line_what_became_of_the_marks(
    watched: Drain, queue: JobQueue, school: School, figures: Callable[[], dict[str, float]]
) -> None:
    """However many jobs there were; and how the queue stands then."""
    section = school.section(students=2)
    ann, ben = section.students
    submit(queue, school, {ann: "LATE", ben: "ABSENT", new_id(): "ABSENT"}, section=section.id)
    drained(watched)
    assert figures() == {
        "JobsDrained": 1, "MarksDrained": 3, "MarksApplied": 2, "MarksUnchanged": 0, "MarksSuperseded": 0,
        "MarksRejected": 1, "JobsRetried": 0, "JobsStalled": 0, "JobsDied": 0, "JobsReleased": 0, "LeasesLost": 0,
        "Depth": 0, "OldestWaitingAge": 0, "DeadJobs": 0,
    }  # fmt: skip
    submit(queue, school, {ann: "LATE"}, section=section.id)
    submit(queue, school, {ben: "LATE"}, section=section.id)
    drained(watched)
    told = figures()
    assert [told[name] for name in ("JobsDrained", "MarksApplied", "MarksUnchanged")] == [2, 1, 1]


def test_a_job_is_told_of_by_its_ids_and_in_the_trace_of_its_request(
    watched: Drain, queue: JobQueue, school: School, daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    """A job that came without a trace has none."""
    section = school.section(students=2)
    traced, plain = (
        submit(queue, school, {one: "LATE"}, section=section.id, trace=trace)
        for one, trace in zip(section.students, (TRACE, ""), strict=True)
    )
    drained(watched)
    lines = {line["job"]: line for line in ended(caplog)}
    assert lines.keys() == {traced, plain}
    assert (lines[traced]["trace"], "trace" in lines[plain]) == (ROOT, False)
    assert {line["tenant"] for line in lines.values()} == {school.tenant}
    [segment] = daemon.heard()
    assert (segment["trace_id"], segment["parent_id"], segment["fault"]) == (ROOT, "53995c3f42cd8ad8", False)
    assert segment["annotations"] == {"job": traced, "tenant": school.tenant, "how": "completed"}
    waited, written = segment["subsegments"]
    assert segment["start_time"] == waited["start_time"] < waited["end_time"] == written["start_time"]
    assert written["end_time"] == segment["end_time"]


def test_a_poison_job_is_told_of_at_each_attempt_and_as_dead_once(
    watched: Drain, queue: JobQueue, school: School, redis: Redis, daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    """Retried twice, then dead; the gauge stays until somebody retries it."""
    job = submit(queue, school, {new_id(): "LATE"}, kind="visitor", trace=TRACE)
    for _ in range(3):
        retries_fall_due(redis)
        drained(watched)
    assert [line["msg"] % line["args"] for line in ended(caplog)] == [
        f"job {job}: delayed",
        f"job {job}: delayed",
        f"job {job}: failed",
    ]
    assert [segment["fault"] for segment in daemon.heard()] == [False, False, True]
    rounds = [figures_of(record.__dict__["emf"]) for record in caplog.records if "emf" in record.__dict__]
    counted = [tuple(told[name] for name in ("JobsRetried", "JobsDied", "DeadJobs")) for told in rounds]
    assert counted == [(1, 0, 0), (1, 0, 0), (0, 1, 1)]


def test_a_job_whose_consumer_ended_is_counted_when_it_is_claimed_again(
    watched: Drain, queue: JobQueue, school: School, redis: Redis, figures: Callable[[], dict[str, float]]
) -> None:
    """Crashes show before anything dies of them."""
    section = school.section(students=1)
    submit(queue, school, {section.students[0]: "LATE"}, section=section.id)
    queue.claim(max_jobs=1, max_records=10, lease_ms=60_000)
    leases_run_out(redis)
    drained(watched)
    told = figures()
    assert (told["JobsStalled"], told["JobsDrained"]) == (1, 1)


def test_what_waits_behind_a_pause_grows_old_for_all_to_see(
    watched: Drain, queue: JobQueue, school: School, redis: Redis, figures: Callable[[], dict[str, float]]
) -> None:
    """In seconds, as the alarm asks."""
    job = submit(queue, school, {new_id(): "LATE"})
    queue.pause(None)
    submitted: Any = redis.hget(KEYS.job(job), "submitted_at")
    redis.hset(KEYS.job(job), "submitted_at", int(submitted) - 90_000_000)
    drained(watched)
    told = figures()
    assert told["Depth"] == 1
    assert 90 <= told["OldestWaitingAge"] < 150


def test_a_drain_that_goes_on_tells_of_the_queue_about_once_a_minute(
    queue: JobQueue, school: School, figures: Callable[[], dict[str, float]], caplog: pytest.LogCaptureFixture
) -> None:
    """Not with each batch."""
    caplog.set_level(logging.INFO, "chalicelib")
    submit(queue, school, {new_id(): "LATE"})
    now = [0.0]
    witness = DrainWitness(queue, Meter("dev"), XRay(None), clock=lambda: now[0])
    for passed in (1.0, LOOK_S - 1, LOOK_S, LOOK_S + 1):
        now[0] = passed
        witness.meanwhile()
    told = figures()
    assert told.pop("OldestWaitingAge") < 60
    assert told == {"Depth": 1, "DeadJobs": 0}


def test_where_nobody_reads_the_queue_is_not_asked(
    queue: JobQueue, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The consumer of a laptop goes round several times a second."""
    caplog.set_level(logging.WARNING, "chalicelib")
    monkeypatch.setattr(queue, "figures", lambda _: 1 / 0)
    now = [0.0]
    witness = DrainWitness(queue, Meter("local"), XRay(None), clock=lambda: now[0])
    now[0] = 2 * LOOK_S
    witness.meanwhile()
    witness.drained(Report())
    assert caplog.records == []
