"""The acceptance of 500 marks, in process, beside a bare handler that does json.loads and one LPUSH."""

from __future__ import annotations

import json
from statistics import median

from chalice.app import Chalice

from bench.figures import Figure, Sampler, Target, in_turn
from bench.service import bare_app, invoke, our_service, post_event
from bench.timing import milliseconds
from bench.world import World

SIZE, REQUESTS = 500, 60


def accept(world: World) -> list[Figure]:
    """Milliseconds a request; both are Chalice apps that are called with the same event, as Lambda would."""
    campus = world.campus(1, SIZE)
    [sheet] = campus.sheets(campus.new_day())
    said = {name: sheet.data[name] for name in ("date", "section_id", "records")}
    with our_service(world, campus.tenant) as service:
        event = post_event(json.dumps(said), service.headers)
        bare = bare_app(world.redis)

        def sampler(app: Chalice) -> Sampler:
            def sample() -> float:
                # An emptied Redis knows no roster: the first request fills the cache, which is not what is measured.
                world.redis.flushdb()
                status = invoke(app, event)["statusCode"]
                if status != 202:
                    raise RuntimeError(f"refused with {status}")
                return median(milliseconds(lambda: invoke(app, event)) for _ in range(REQUESTS))

            return sample

        name = "a bare handler: json.loads and one LPUSH"
        series = in_turn(sampler(service.app), {name: sampler(bare)}, world.runs)
    world.redis.flushdb()
    return [series.beside(name, "accept of 500 marks, in process, p50", "ms", Target("at most", 3))]
