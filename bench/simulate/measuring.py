"""Measures what the simulation is fed with, on real servers of this machine, and holds the model against one bell."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench.machine import load, machine
from bench.service import JOB, Service, invoke, our_service, post_event
from bench.sheets import Campus, enqueue
from bench.simulate.model import MARKS, Model
from bench.simulate.parameters import MEASURED, load_parameters
from bench.simulate.sizes import Bell, Ground
from bench.world import World, open_world
from chalicelib.db.writer import BatchWriter
from chalicelib.services.drain import Drain, Pace
from local.consumer import ConsumerProcess

REGISTERS, ROUNDS = 100, 7
BELLS, BELL_REGISTERS, BELL_S = 4, 400, 10.0
LAPTOP = Ground("laptop", 1, 1, 2, 150, drains=1, requests_a_second=1_000)


def measure() -> dict[str, Any]:
    """Measure, write measured.json and return it."""
    facts = machine()
    facts.pop("peers")
    facts["load before"] = f"{load():.2f}"
    with tempfile.TemporaryDirectory() as scratch, open_world(Path(scratch), runs=ROUNDS, full=False) as world:
        campus = world.campus(REGISTERS, MARKS)
        with our_service(world, campus.tenant) as service:
            found = [_round(world, service, campus) for _ in range(ROUNDS + 1)][1:]
    # The least of the rounds: whatever else the machine does, it only adds.
    service_times = {name: min(one[name] for one in found) for name in found[0]}
    with tempfile.TemporaryDirectory() as scratch, open_world(Path(scratch), runs=1, full=False) as world:
        bells = _bells(world)
    real = {name: min(bell[name] for bell in bells) for name in bells[0]}
    told = {"machine": facts, "service": service_times, "bell": {"real": real, "simulated": simulate(service_times)}}
    MEASURED.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return told


def simulate(service_times: dict[str, float]) -> dict[str, float]:
    """The same bell by the model: one consumer that never leaves, full cores, no network, no gateway."""
    here = load_parameters({**service_times, "round_trip_ms": 0.05, "gateway_ms": 0.0, "rest_cpu": 1.0, "drain_cpu": 1})
    bell = Bell("laptop", 1, BELL_REGISTERS * 25, LAPTOP, seconds=BELL_S, reads=0)
    model = Model(bell, here, always=True).run()
    return _told(list(zip(model.accepted, model.completed, strict=True)))


def _round(world: World, service: Service, campus: Campus) -> dict[str, float]:
    """One sample of each figure, milliseconds of CPU but for the waits."""
    day = campus.new_day()
    bodies = [
        json.dumps({name: sheet.data[name] for name in ("date", "section_id", "records")})
        for sheet in campus.sheets(day)
    ]
    jobs: list[str] = []
    send = _spent(world, lambda: jobs.extend(_sent(service, body) for body in bodies))
    asked = _spent(world, lambda: _asked(service, jobs))
    many = _drained(world, campus, jobs_a_batch=REGISTERS)
    single = _drained(world, campus, jobs_a_batch=1)
    # Both drained as many registers; one did it in a hundredth of the batches.
    batch = {name: max(0.0, (single[name] - many[name]) / (REGISTERS - 1)) for name in many}
    each = {name: max(0.0, many[name] - batch[name]) / REGISTERS for name in many}
    redis = _by_script(world)
    write = redis["evalsha"] / (redis["evalsha"] + redis["hmget"])
    return {
        "accept_cpu_ms": send["ours"] / REGISTERS,
        "accept_redis_read_ms": send["redis"] / REGISTERS * (1 - write),
        "accept_redis_write_ms": send["redis"] / REGISTERS * write,
        "accept_redis_commands": send["commands"] / REGISTERS,
        "status_cpu_ms": asked["ours"] / REGISTERS,
        "status_redis_ms": asked["redis"] / REGISTERS,
        "status_redis_commands": asked["commands"] / REGISTERS,
        "batch_drain_ms": batch["ours"],
        "batch_redis_ms": batch["redis"],
        "batch_redis_commands": batch["commands"],
        "batch_postgres_ms": batch["postgres"],
        "batch_wait_ms": max(0.0, batch["wall"] - batch["ours"] - batch["redis"] - batch["postgres"]),
        "register_drain_ms": each["ours"],
        "register_redis_ms": each["redis"],
        "register_redis_commands": each["commands"],
        "register_postgres_ms": each["postgres"],
    }


def _drained(world: World, campus: Campus, *, jobs_a_batch: int) -> dict[str, float]:
    """What it takes to drain all registers of a day in batches of that size, one after the other."""
    drain = Drain(world.queue, BatchWriter(world.database), Pace(max_jobs=jobs_a_batch, hands=1))
    drain.run(lambda: 60_000, linger_s=0)  # whatever waited, and what a drain does once
    enqueue(world.queue, campus.sheets(campus.new_day()))
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


def _sent(service: Service, body: str) -> str:
    answer = invoke(service.app, post_event(body, service.headers))
    if answer["statusCode"] != 202:
        raise RuntimeError(f"refused: {answer['body']}")
    return str(json.loads(answer["body"])["jobId"])


def _asked(service: Service, jobs: Sequence[str]) -> None:
    for job_id in jobs:
        event = post_event("", service.headers) | {
            "resource": JOB, "path": JOB.replace("{job_id}", job_id), "httpMethod": "GET", "body": None,
            "pathParameters": {"job_id": job_id},
        }  # fmt: skip
        event["requestContext"] |= {"httpMethod": "GET", "resourcePath": JOB}
        if invoke(service.app, event)["statusCode"] != 200:
            raise RuntimeError("the job was not told")


def _bells(world: World) -> list[dict[str, float]]:
    """Bells on this machine: one sender, one consumer in a process of its own."""
    campus = world.campus(BELL_REGISTERS, MARKS)
    with ExitStack() as stack:
        service = stack.enter_context(our_service(world, campus.tenant))
        service.container.rosters.refresh(campus.tenant)  # as an import leaves it
        consumer = ConsumerProcess(service.environment, world.scratch / "consumer.log")
        consumer.start()
        stack.callback(consumer.stop)
        consumer.wait_ready(60)
        return [_bell(world, service, campus) for _ in range(BELLS + 1)][1:]


def _bell(world: World, service: Service, campus: Campus) -> dict[str, float]:
    sheets = campus.sheets(campus.new_day())
    draw = random.Random(1)
    times = sorted(draw.triangular(0, BELL_S, BELL_S / 4) for _ in sheets)
    begun = time.monotonic()
    sent = []
    for at, sheet in zip(times, sheets, strict=True):
        body = json.dumps({name: sheet.data[name] for name in ("date", "section_id", "records")})
        time.sleep(max(0.0, begun + at - time.monotonic()))
        instant, started = time.time(), time.perf_counter()
        job = _sent(service, body)
        sent.append((job, instant, time.perf_counter() - started))
    deadline = time.monotonic() + 60
    while world.queue.counts().depth and time.monotonic() < deadline:
        time.sleep(0.05)
    return _told([(accepted, _finished(world, job) - instant) for job, instant, accepted in sent])


def _finished(world: World, job_id: str) -> float:
    job = world.queue.get(job_id)
    if job is None or job.finished_at is None:
        raise TimeoutError("a job of the bell was not completed")
    return job.finished_at / 1_000_000


def _told(ended: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Milliseconds."""
    accepted, completed = (sorted(times) for times in zip(*ended, strict=True))
    at = int(len(accepted) * 0.99)
    return {
        "accept_p50": median(accepted) * 1000,
        "accept_p99": accepted[at] * 1000,
        "completed_p50": median(completed) * 1000,
        "completed_p99": completed[at] * 1000,
    }
