"""The promises that hold after every step of a history: all of Redis, compared with the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis import Redis

from chalicelib.domain.job_state import JobState
from chalicelib.queue import JobQueue, Lane, Load
from tests.queue.model import UNFINISHED, Model, ids
from tests.queue.steps import KEYS, key_names

COUNTED = (JobState.WAITING, JobState.ACTIVE, JobState.DELAYED, JobState.FAILED)


def every_job_is_as_it_should_be(redis: Redis, model: Model) -> None:
    """None is lost, only what the model knows was done to it, and it expires if it is finished and not before."""
    names = [KEYS.job(job_id) for job_id in model.jobs]
    replies = read(redis, *(("HGETALL", name) for name in names), *(("PTTL", name) for name in names))
    for known, stored, left in zip(model.jobs.values(), replies[: len(names)], replies[len(names) :], strict=True):
        assert stored, "a job is lost"
        told = {name: stored.get(name.encode(), b"").decode() for name in ("state", "token", "result")}
        assert told == {"state": known.state, "token": known.token, "result": known.result}
        counts = [int(stored[name]) for name in (b"attempts_made", b"stalls", b"processed")]
        assert counts == [known.attempts, known.stalls, known.processed]
        kept = known.state in {*UNFINISHED, JobState.FAILED}
        assert stored.get(b"data") == (known.new.data if kept else None)
        assert (left == -1) == (known.state in UNFINISHED)


def every_job_is_in_one_place(redis: Redis, model: Model) -> None:
    """On its list, under a lease, delayed, dead or finished; never in two of these and never twice in one.

    The ring holds whoever has waiting jobs and is not paused by name, once; the depths are what the bounds ask.
    """
    tenants = sorted({known.new.tenant for known in model.jobs.values()})
    places = [(tenant, lane) for tenant in tenants for lane in Lane]
    ring, depths, leases, delayed, dead, *lists = read(
        redis,
        ("LRANGE", KEYS.ring, 0, -1),
        ("ZRANGE", KEYS.depth, 0, -1, "WITHSCORES"),
        *(("ZRANGE", key, 0, -1) for key in (KEYS.leases, KEYS.delayed, KEYS.dead)),
        *(("LRANGE", KEYS.waiting(*place), 0, -1) for place in places),
    )
    assert sorted(name.decode() for name in ring) == sorted(model.on_ring())
    assert {name.decode(): int(score) for name, score in depths} == model.depths()
    waiting = model.within(JobState.WAITING)
    for place, refs in zip(places, lists, strict=True):
        expected = [job.new.ref.encode() for job in waiting if (job.new.tenant, job.new.lane) == place]
        assert sorted(ref.decode() for ref in refs) == sorted(expected)
    dead = [ref for ref in dead if ref.decode().rpartition("|")[2] in model.jobs]  # the forgotten go with the next
    graves = read(redis, *(("ZRANGE", key(who), 0, -1) for who in tenants for key in (KEYS.dead_of, KEYS.failed)))
    for who, *noted in zip(tenants, graves[::2], graves[1::2], strict=True):
        died = ids(model.within(JobState.FAILED, tenant=who))
        assert all({id_.decode() for id_ in lot if id_.decode() in model.jobs} == died for lot in noted)
    for state, refs in ((JobState.ACTIVE, leases), (JobState.DELAYED, delayed), (JobState.FAILED, dead)):
        assert sorted(ref.decode() for ref in refs) == sorted(job.new.ref.encode() for job in model.within(state))


def the_figures_are_the_truth(queue: JobQueue, model: Model) -> None:
    """In all and by tenant."""
    told = queue.figures(None)
    assert told.paused == model.paused
    loads: list[tuple[str | None, Load]] = [(None, told.all), *told.by_tenant.items()]
    for tenant, load in loads:
        truth = [len(model.within(state, tenant=tenant)) for state in COUNTED]
        assert [load.waiting, load.active, load.delayed, load.failed] == truth
        assert (load.oldest_ms is not None) == bool(load.waiting)
    busy = {job.new.tenant for job in model.within(*COUNTED)}
    assert set(told.by_tenant) == busy | model.paused - {"*"}


def the_dead_are_listed_newest_first(queue: JobQueue, model: Model) -> None:
    """Page by page, all of them, and none that was redriven or forgotten."""
    for tenant in {job.new.tenant for job in model.within(JobState.FAILED)}:
        first = queue.list(tenant, state=JobState.FAILED, before=None, limit=2)
        rest = queue.list(tenant, state=JobState.FAILED, before=first[-1].id, limit=99) if len(first) > 1 else []
        dead = ids(model.within(JobState.FAILED, tenant=tenant))
        assert [job.id for job in first + rest] == sorted(dead, reverse=True)


def dump(redis: Redis) -> dict[str, Any]:
    """All that Redis holds, but for the doorbell, which goes by itself."""
    names = sorted(key_names(redis) - {KEYS.bell})
    return dict(zip(names, read(redis, *(("DUMP", name) for name in names)), strict=True))


def read(redis: Redis, *commands: tuple[Any, ...]) -> list[Any]:
    """The replies of commands, sent together."""
    with redis.pipeline(transaction=False) as pipeline:
        add: Callable[..., Any] = pipeline.execute_command
        for command in commands:
            add(*command)
        return pipeline.execute()
