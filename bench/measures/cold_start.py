"""The packaged zip as Lambda runs it: the REST function's start beside a bare one's, its accept beside in-process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from bench.figures import Figure, Target, in_turn
from bench.service import Service, invoke, our_service, post_event
from bench.timing import milliseconds
from bench.world import APP_ROLE, MAIN, World
from chalicelib.services.migrate import Migrator
from local.lambda_box import LambdaBox, unpack
from local.lambda_box.task import remove
from local.packaging import Function, build, this_machine

SIZE, REQUESTS, STARTS = 500, 60, 3

_OTHER = "one that imports only chalice, redis and pydantic"
_BARE = """
import pydantic
import redis
from chalice import Chalice

app = Chalice(app_name="bare")


@app.route("/")
def nothing():
    return {}
"""


def cold_start(world: World) -> list[Figure]:
    """Milliseconds from the launch of a process to its asking for an event, and of a request of 500 to a warm one."""
    campus = world.campus(1, SIZE)
    [sheet] = campus.sheets(campus.new_day())
    said = {name: sheet.data[name] for name in ("date", "section_id", "records")}
    with our_service(world, campus.tenant) as service, _boxed(world, service) as box:
        event = post_event(json.dumps(said), service.headers)
        starts = in_turn(lambda: _start(box, "app"), {_OTHER: lambda: _start(box, "bare")}, world.runs)

        def sample(call: Callable[[], Any]) -> float:
            world.redis.flushdb()
            if (status := call()["statusCode"]) != 202:  # the first request also fills the cache of registers
                raise RuntimeError(f"refused with {status}")
            return median(milliseconds(call) for _ in range(REQUESTS))

        accepts = in_turn(
            lambda: sample(lambda: box.invoke("app", event)),
            {"in process": lambda: sample(lambda: invoke(service.app, event))},
            world.runs,
        )
    world.redis.flushdb()
    return [
        starts.beside(_OTHER, "start of the REST function out of the zip", "ms", Target("at most", 1.3)),
        accepts.beside("in process", "accept of 500 marks out of the zip, warm, p50", "ms", Target("at most", 2)),
    ]


def _start(box: LambdaBox, function: str) -> float:
    found = []
    for _ in range(STARTS):
        box[function].start()
        found.append(box[function].init_ms)
    return median(found)


@contextmanager
def _boxed(world: World, service: Service) -> Iterator[LambdaBox]:
    """The REST function and a bare one, over TCP, since a function may see no socket of this machine."""
    app_url = world.postgres.tcp_url(MAIN, APP_ROLE, "bench")
    Migrator(world.postgres.tcp_url(MAIN), app_url).run()
    variables = service.environment | {"DATABASE_URL": app_url, "REDIS_URL": world.redis_server.tcp_url()}
    package = build("dev", world.scratch / "package", architecture=this_machine())
    functions = {"app": package.functions["app"], "bare": Function("bare", "bare.app", timeout_s=29)}
    task = unpack(package.zip, world.scratch / "task", {"bare.py": _BARE})
    try:
        with LambdaBox(task, functions, variables) as box:
            yield box
    finally:
        remove(task)
