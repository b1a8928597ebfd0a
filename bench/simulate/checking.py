"""Holds the model against reality: bells on this machine, one sender, one consumer, beside the same simulated."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median

from bench.service import Service, our_service
from bench.sheets import Campus
from bench.simulate.asking import sent
from bench.simulate.model import MARKS, Model
from bench.simulate.parameters import load_parameters
from bench.simulate.sizes import Bell, Ground
from bench.world import World
from local.consumer import ConsumerProcess

BELLS, BELL_REGISTERS, BELL_S = 4, 400, 10.0
LAPTOP = Ground("laptop", 1, 1, 2, 150, drains=1, requests_a_second=1_000)


def ring(world: World) -> list[dict[str, float]]:
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


def simulate(service_times: Mapping[str, float]) -> dict[str, float]:
    """The same bell by the model: one consumer that never leaves, full cores, no network, no gateway."""
    here = load_parameters({**service_times, "round_trip_ms": 0.05, "gateway_ms": 0.0, "rest_cpu": 1.0, "drain_cpu": 1})
    bell = Bell("laptop", 1, BELL_REGISTERS * 25, LAPTOP, seconds=BELL_S, reads=0)
    model = Model(bell, here, always=True).run()
    return _told(list(zip(model.accepted, model.completed, strict=True)))


def _bell(world: World, service: Service, campus: Campus) -> dict[str, float]:
    sheets = campus.sheets(campus.new_day())
    draw = random.Random(1)
    times = sorted(draw.triangular(0, BELL_S, BELL_S / 4) for _ in sheets)
    begun = time.monotonic()
    jobs = []
    for at, sheet in zip(times, sheets, strict=True):
        body = json.dumps({name: sheet.data[name] for name in ("date", "section_id", "records")})
        time.sleep(max(0.0, begun + at - time.monotonic()))
        instant, started = time.time(), time.perf_counter()
        job = sent(service, body)
        jobs.append((job, instant, time.perf_counter() - started))
    deadline = time.monotonic() + 60
    while world.queue.counts().depth and time.monotonic() < deadline:
        time.sleep(0.05)
    return _told([(accepted, _finished(world, job) - instant) for job, instant, accepted in jobs])


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
