"""Measures what the simulation is fed with, on real servers of this machine."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench.machine import load, machine
from bench.service import Service, our_service
from bench.sheets import Campus, enqueue
from bench.simulate.asking import asked, sent
from bench.simulate.checking import ring, simulate
from bench.simulate.model import MARKS
from bench.simulate.parameters import MEASURED
from bench.world import World, open_world
from chalicelib.db.writer import BatchWriter
from chalicelib.queue import Job, JobQueue
from chalicelib.services.drain import Drain, Pace

REGISTERS, ROUNDS = 100, 7
PAUSE_S = 0.015


class SleepyQueue(JobQueue):
    """A queue whose consumer sleeps before each batch."""

    pause_s = 0.0

    def claim(self, *, max_jobs: int, max_records: int, lease_ms: int) -> list[Job]:
        """Sleeps, then claims."""
        time.sleep(self.pause_s)
        return super().claim(max_jobs=max_jobs, max_records=max_records, lease_ms=lease_ms)


def measure() -> dict[str, Any]:
    """Measure, write measured.json and return it."""
    facts = machine()
    facts.pop("peers")
    facts["load before"] = f"{load():.2f}"
    with tempfile.TemporaryDirectory() as scratch, open_world(Path(scratch), runs=ROUNDS, full=False) as world:
        campus = world.campus(REGISTERS, MARKS)
        with our_service(world, campus.tenant) as service:
            found = [_round(world, service, campus) for _ in range(ROUNDS + 1)][1:]
    service_times = {name: median(one[name] for one in found) for name in found[0]}
    with tempfile.TemporaryDirectory() as scratch, open_world(Path(scratch), runs=1, full=False) as world:
        bells = ring(world)
    real = {name: median(bell[name] for bell in bells) for name in bells[0]}
    told = {"machine": facts, "service": service_times, "bell": {"real": real, "simulated": simulate(service_times)}}
    facts["load after"] = f"{load():.2f}"
    MEASURED.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return told


def _round(world: World, service: Service, campus: Campus) -> dict[str, float]:
    """One sample of each figure, milliseconds of CPU but for the wait.

    Servers are timed while they are busy, as a bell has them; functions after a sleep, as Lambda wakes them: that takes
    them two or three times as long.
    """
    busy, woken = (_tasks(world, service, campus, pause) for pause in (0.0, PAUSE_S))
    sending, asking, many, single = ({**told, "ours": slow["ours"]} for told, slow in zip(busy, woken, strict=True))
    # Both drained as many registers; one did it in a hundredth of the batches.
    batch = {name: max(0.0, (single[name] - many[name]) / (REGISTERS - 1)) for name in many}
    each = {name: max(0.0, many[name] - batch[name]) / REGISTERS for name in many}
    wait = (busy[3]["wall"] - sum(busy[3][who] for who in ("ours", "redis", "postgres"))) / REGISTERS
    redis = _by_script(world)
    write = redis["evalsha"] / (redis["evalsha"] + redis["hmget"])
    return {
        "accept_cpu_ms": sending["ours"] / REGISTERS,
        "accept_redis_read_ms": sending["redis"] / REGISTERS * (1 - write),
        "accept_redis_write_ms": sending["redis"] / REGISTERS * write,
        "accept_redis_commands": sending["commands"] / REGISTERS,
        "status_cpu_ms": asking["ours"] / REGISTERS,
        "status_redis_ms": asking["redis"] / REGISTERS,
        "status_redis_commands": asking["commands"] / REGISTERS,
        "batch_drain_ms": batch["ours"],
        "batch_redis_ms": batch["redis"],
        "batch_redis_commands": batch["commands"],
        "batch_postgres_ms": batch["postgres"],
        "batch_wait_ms": max(0.0, wait),
        "register_drain_ms": each["ours"],
        "register_redis_ms": each["redis"],
        "register_redis_commands": each["commands"],
        "register_postgres_ms": each["postgres"],
    }


def _tasks(world: World, service: Service, campus: Campus, pause: float) -> list[dict[str, float]]:
    """What all registers of a day take: sent; asked for; drained in one batch; and another day's in a batch each."""
    sheets = campus.sheets(campus.new_day())
    bodies = [json.dumps({name: sheet.data[name] for name in ("date", "section_id", "records")}) for sheet in sheets]
    jobs: list[str] = []
    return [
        _spent(world, lambda: jobs.extend(sent(service, body) for body in _spaced(bodies, pause))),
        _spent(world, lambda: asked(service, _spaced(jobs, pause))),
        _drained(world, campus, REGISTERS, pause),
        _drained(world, campus, 1, pause),
    ]


def _drained(world: World, campus: Campus, jobs_a_batch: int, pause: float) -> dict[str, float]:
    """What it takes to drain all registers of a day in batches of that size, one after the other."""
    queue = SleepyQueue(world.redis)
    drain = Drain(queue, BatchWriter(world.database), Pace(max_jobs=jobs_a_batch, hands=1))
    drain.run(lambda: 60_000, linger_s=0)  # whatever waited, and what a drain does once
    enqueue(queue, campus.sheets(campus.new_day()))
    queue.pause_s = pause
    return _spent(world, lambda: drain.run(lambda: 900_000, linger_s=0))


def _spent(world: World, work: Callable[[], object]) -> dict[str, float]:
    """Milliseconds that each party spent on `work`, the commands that Redis carried out, and the time that passed."""

    def books() -> dict[str, float]:
        cpu, stats = world.redis.info("cpu"), world.redis.info("stats")
        postmaster = psutil.Process(world.postgres.pid)
        family = [postmaster, *postmaster.children(recursive=True)]
        times = [process.cpu_times() for process in family]
        return {
            "redis": (cpu["used_cpu_user"] + cpu["used_cpu_sys"]) * 1000,
            "commands": float(stats["total_commands_processed"]),
            "postgres": sum(one.user + one.system for one in times) * 1000,
            "ours": time.process_time() * 1000,
            "wall": time.perf_counter() * 1000,
        }

    before = books()
    work()
    after = books()
    return {name: after[name] - before[name] for name in before}


def _by_script(world: World) -> dict[str, float]:
    told: dict[str, Any] = world.redis.info("commandstats")
    return {name: float(told[f"cmdstat_{name}"]["usec"]) for name in ("evalsha", "hmget")}


def _spaced(things: Sequence[str], pause: float) -> Iterator[str]:
    """One after the other with a pause before each."""
    for thing in things:
        time.sleep(pause)
        yield thing
