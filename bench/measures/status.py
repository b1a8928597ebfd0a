"""The status of a job, beside a bare HGETALL through the same gateway."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from statistics import median
from urllib.parse import urlsplit

from bench.figures import Figure, Sampler, Target, in_turn
from bench.service import JOB, bare_app, our_service
from bench.sheets import enqueue
from bench.timing import milliseconds
from bench.world import World
from local.gateway import serve

REQUESTS = 150


def status(world: World) -> list[Figure]:
    """Milliseconds a request over HTTP, on a connection that stays open; the job is a completed one."""
    campus = world.campus(1, 500)
    sheets = campus.sheets(campus.new_day())
    enqueue(world.queue, sheets)
    world.drain()
    path = JOB.format(job_id=sheets[0].job_id)
    with ExitStack() as stack:
        service = stack.enter_context(our_service(world, campus.tenant))
        ours = stack.enter_context(serve(service.app))
        theirs = stack.enter_context(serve(bare_app(world.redis)))
        name = "a bare HGETALL"
        others = {name: _sampler(stack, theirs, path, service.headers)}
        series = in_turn(_sampler(stack, ours, path, service.headers), others, world.runs)
    return [series.beside(name, "status of a job over HTTP, p50", "ms", Target("at most", 1.5))]


def _sampler(stack: ExitStack, url: str, path: str, headers: Mapping[str, str]) -> Sampler:
    connection = stack.enter_context(closing(HTTPConnection(urlsplit(url).netloc)))

    def get() -> None:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        if b"completed" not in answer.read():
            raise RuntimeError(f"{answer.status} where a completed job was asked for")

    return lambda: median(milliseconds(get) for _ in range(REQUESTS))
