"""One request of 500 marks over HTTP, for information: how soon it is accepted, and how soon it is completed."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from statistics import median
from urllib.parse import urlsplit

from bench.figures import Figure, Spread
from bench.service import MARK, Service, our_service
from bench.sheets import Campus
from bench.world import World
from chalicelib.domain.job_state import JobState
from local.consumer import ConsumerProcess
from local.gateway import serve

SIZE, REQUESTS = 500, 10
_DEADLINE_S = 20


def request(world: World) -> list[Figure]:
    """Milliseconds, through the local gateway, with a consumer in a process of its own that waits."""
    campus = world.campus(1, SIZE)
    accepted, completed = [], []
    with ExitStack() as stack:
        service = stack.enter_context(our_service(world, campus.tenant))
        url = stack.enter_context(serve(service.app))
        consumer = ConsumerProcess(service.environment, world.scratch / "consumer.log")
        consumer.start()
        stack.callback(consumer.stop)
        connection = stack.enter_context(closing(HTTPConnection(urlsplit(url).netloc)))
        for counted in range(-1, world.runs):
            pairs = [_send(connection, service, campus) for _ in range(REQUESTS)]
            if counted >= 0:
                accepted.append(median(first for first, _ in pairs))
                completed.append(median(second for _, second in pairs))
    return [
        Figure("one request of 500 over HTTP, sent → 202, p50", "ms", Spread.of(accepted)),
        Figure("one request of 500 over HTTP, sent → completed, p50", "ms", Spread.of(completed)),
    ]


def _send(connection: HTTPConnection, service: Service, campus: Campus) -> tuple[float, float]:
    [sheet] = campus.sheets(campus.new_day())
    body = json.dumps({name: sheet.data[name] for name in ("date", "section_id", "records")})
    sent = time.time()
    connection.request("POST", MARK, body, service.headers)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    accepted = (time.time() - sent) * 1000
    if answer.status != 202:
        raise RuntimeError(f"refused: {told}")
    return accepted, _completed_at(service, told["jobId"]) / 1000 - sent * 1000


def _completed_at(service: Service, job_id: str) -> int:
    """When the job was completed, in µs since 1970, by the clock of Redis, which is this machine's."""
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        job = service.container.queue.get(job_id)
        if job is not None and job.state is JobState.COMPLETED and job.finished_at is not None:
            return job.finished_at
        time.sleep(0.02)
    raise TimeoutError("the job was not completed")
