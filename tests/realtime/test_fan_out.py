"""The fan-out: seldom enough, never stale, never the drain's trouble, and it forgets who is gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from redis import Redis

from chalicelib.container import Container
from chalicelib.queue import Job
from chalicelib.realtime import live_events
from chalicelib.realtime.connections import Connections
from chalicelib.services.drain import Report
from tests.realtime.client import Live, wait_until
from tests.realtime.conftest import Person
from tests.school import School, Section

Drain = Callable[[], Report]


def claim(container: Container) -> Job:
    """The one job that waits, begun."""
    [job] = container.queue.claim(max_jobs=1, max_records=10_000, lease_ms=60_000)
    return job


def drain_told(live: Live, for_s: float) -> list[dict[str, Any]]:
    """All the jobs told within a while."""
    told = []
    deadline = time.monotonic() + for_s
    while (left := deadline - time.monotonic()) > 0:
        try:
            told.append(live.job(left))
        except TimeoutError:
            break
    return told


def test_twenty_moves_are_a_message_a_second(ann: Person, school: School, container: Container) -> None:
    """The present state takes the first second's turn; then comes the last state, and none of those between."""
    job_id = ann.mark(school.section(students=30, teachers=["ann"]))
    job = claim(container)
    with ann.connect() as live:
        began = time.monotonic()
        live.follow(job_id)
        for processed in range(1, 26):
            assert container.queue.progress(job, processed)
            container.events.changed([job])
            time.sleep(0.01)
        told = drain_told(live, 1.5)
        assert 1 <= len(told) <= time.monotonic() - began
        assert told[-1]["progress"] == {"processed": 25, "total": 30, "percent": 83}


def test_processes_share_the_second(ann: Person, school: School, container: Container) -> None:
    """The bound holds for all that tell of a job together."""
    job_id = ann.mark(school.section(students=30, teachers=["ann"]))
    job = claim(container)
    events = [container.events, live_events(container), live_events(container)]
    with ann.connect() as live:
        began = time.monotonic()
        live.follow(job_id)
        for processed in range(1, 22):
            container.queue.progress(job, processed)
            events[processed % 3].changed([job])
            time.sleep(0.01)
        told = drain_told(live, 1.5)
        assert 1 <= len(told) <= time.monotonic() - began
        assert told[-1]["progress"]["processed"] == 21


def test_the_end_waits_for_no_turn(ann: Person, maths: Section, container: Container) -> None:
    """A job that was told a moment ago, and has another telling before it, is told at once when it ends."""
    job_id = ann.mark(maths)
    job = claim(container)
    with ann.connect() as live:
        live.follow(job_id)
        container.events.changed([job])
        container.queue.ack([(job, '{"applied": 3, "unchanged": 0, "superseded": 0, "rejected": []}')])
        began = time.monotonic()
        container.events.changed([job])
        live.until("completed")
        assert time.monotonic() - began < 0.9
        assert live.silent(1.2), "the telling that was put off is void"


def test_each_connection_of_many_is_told(ann: Person, office: Person, maths: Section, drain: Drain) -> None:
    """A second window, the office beside it, and who follows all jobs: each hears the end, once."""
    job_id = ann.mark(maths)
    with ann.connect() as first, ann.connect() as second, office.connect() as third:
        first.follow(job_id)
        second.follow(job_id)
        third.follow(job_id)
        third.ask(action="subscribe", queue=True)
        third.job()
        assert third.ask(action="ping") == {"type": "pong"}
        drain()
        for live in (first, second, third):
            assert live.until("completed")[-1] == ann.job(job_id)
            assert live.silent(0.2)


def test_without_followers_a_batch_costs_redis_one_look(
    ann: Person, office: Person, maths: Section, container: Container, redis: Redis
) -> None:
    """One command for all the jobs of a tenant, and not one more."""
    jobs = []
    for _ in range(20):
        ann.mark(maths)
    jobs = container.queue.claim(max_jobs=50, max_records=10_000, lease_ms=60_000)
    assert len(jobs) == 20
    container.events.settle()  # whatever the sweep does is done
    redis.config_resetstat()
    container.events.changed(jobs)
    container.events.settle()
    stats: Any = redis.info("commandstats")
    called = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
    called = {name: calls for name, calls in called.items() if not name.startswith(("info", "config", "client"))}
    assert called == {"exists": 1}


def test_a_connection_that_is_gone_is_forgotten(
    ann: Person, maths: Section, container: Container, redis: Redis, drain: Drain
) -> None:
    """API Gateway answers 410 for it: it and its subscriptions leave the books, the others are told."""
    books = Connections(container.redis, container.settings.queue_name)
    job_id = ann.mark(maths)
    with ann.connect() as live:
        live.follow(job_id)
        [known] = redis.scan_iter("*:follows")
        actor = books.actor(known.decode().split("{")[1].split("}")[0])
        assert actor is not None
        books.open("gone=", actor)
        books.follow("gone=", books.job_topic(actor.tenant, job_id))
        books.follow("gone=", books.queue_topic(actor.tenant))
        drain()
        assert live.until("completed")
        wait_until(lambda: books.actor("gone=") is None)
        wait_until(lambda: not list(redis.scan_iter("*gone=*")))  # its last turn is kept a second
        assert not list(redis.scan_iter("*:queue"))


def test_a_client_that_leaves_is_forgotten(ann: Person, maths: Section, redis: Redis) -> None:
    """By $disconnect, with all its subscriptions."""
    with ann.connect() as live:
        live.follow(ann.mark(maths))
        assert list(redis.scan_iter("*:follows"))
    wait_until(lambda: not list(redis.scan_iter("*:live:{*")))  # the last turn is kept a second


def test_what_is_kept_of_a_connection_expires(ann: Person, maths: Section, redis: Redis) -> None:
    """A little after the two hours for which API Gateway keeps a connection."""
    with ann.connect() as live:
        live.follow(ann.mark(maths))
        kept = list(redis.scan_iter("*:live:{*"))
        left: Any = {key: redis.ttl(key) for key in kept}
        assert len([key for key in kept if 2 * 3600 < left[key] <= 2 * 3600 + 900]) == 3
        assert all(b":turn:" in key for key in kept if left[key] <= 1)
        assert not [key for key in kept if 1 < left[key] <= 2 * 3600]
