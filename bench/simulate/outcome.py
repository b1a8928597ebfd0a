"""What a simulated bell comes to: latencies, loads, the first bottleneck and what a month of such bells costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.simulate.engine import WINDOW_S
from bench.simulate.model import Model

BELLS_A_MONTH = 6 * 22
NEXT = {
    "requests a second": "raise requests_a_second and burst, and AWS's quota above 10,000",
    "REST functions": "ask AWS for more concurrency; it adds 1,000 every ten seconds",
    "drains": "raise reserved_concurrency; then more shards",
    "Redis, busiest server": "more shards, and node groups for them",
    "Redis, connections": "more node groups, each with its own connections",
    "Postgres, cores": "a larger class, then readers for what is only read",
    "Postgres, sessions": "a larger class, or RDS Proxy for the REST functions",
}
PRICES = {
    "a million requests of the REST API": 3.50,
    "a GB and second of Lambda": 0.0000133,
    "a million invocations of Lambda": 0.20,
    "an hour of a cache.r7g.large": 0.175,
}
"""Dollars; each stands in docs/how-to/costs.md, and so do these totals of a month without requests and Lambda."""
GROUND_A_MONTH = {"school": 180 - 1 - 1, "state": 2980 - 175 - 50}
NODES_A_GROUP = 3
HOURS = 730


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds, shares of what there is in the busiest ten seconds, and dollars a month."""

    registers: int
    requests_a_second: float
    accept: tuple[float, float]
    completed: tuple[float, float]
    rest: int
    drains: int
    redis_connections: int
    postgres_connections: int
    redis_commands_a_second: float
    loads: Mapping[str, float]
    cost: float

    @property
    def bottleneck(self) -> str:
        """What would give way first, were there more of the same."""
        return max(self.loads, key=lambda name: self.loads[name])


def outcome(model: Model) -> Outcome:
    """The figures of a bell that was run."""
    bell, ground = model.bell, model.bell.ground
    requests = _busiest(model.requests)
    share = requests / (sum(model.requests.values()) or 1)
    # A process keeps one connection to each server of Redis, and a drain two to Postgres; reading rosters needs none.
    redis_connections = (model.rest.most + model.draining.most) * ground.redis_nodes
    postgres_connections = model.draining.most * 2
    return Outcome(
        registers=bell.registers,
        requests_a_second=requests,
        accept=_quantiles(model.accepted),
        completed=_quantiles(model.completed),
        rest=model.rest.most,
        drains=model.draining.most,
        redis_connections=redis_connections,
        postgres_connections=postgres_connections,
        redis_commands_a_second=model.commands * share,
        loads={
            "requests a second": requests / ground.requests_a_second,
            "REST functions": model.rest.most / ground.rest_concurrency,
            "drains": _busiest(model.sent) / (ground.drains * model.drained_a_second()),
            "Redis, busiest server": max(server.load for server in model.redis),
            "Redis, connections": redis_connections / ground.redis_nodes / ground.redis_connections,
            "Postgres, cores": model.postgres.load,
            "Postgres, sessions": postgres_connections / ground.postgres_sessions,
        },
        cost=_cost(model),
    )


def _busiest(seconds: Mapping[int, int]) -> float:
    """The mean of a second in the busiest window."""
    windows: dict[int, int] = {}
    for second, number in seconds.items():
        windows[second // WINDOW_S] = windows.get(second // WINDOW_S, 0) + number
    return max(windows.values(), default=0) / WINDOW_S


def _quantiles(seconds: Sequence[float]) -> tuple[float, float]:
    """p50 and p99."""
    ranked = sorted(seconds)
    return ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)]


def _cost(model: Model) -> float:
    ground, requests = model.bell.ground, sum(model.requests.values())
    millions = requests * BELLS_A_MONTH / 1_000_000
    p = model.parameters
    gb_seconds = (model.rest.stays * p["rest_memory_mb"] + model.draining.stays * p["drain_memory_mb"]) / 1_024
    groups = (ground.redis_nodes - 1) * NODES_A_GROUP * HOURS * PRICES["an hour of a cache.r7g.large"]
    asked = PRICES["a million requests of the REST API"] + PRICES["a million invocations of Lambda"]
    base = GROUND_A_MONTH[ground.name.partition(",")[0]]
    return base + groups + millions * asked + gb_seconds * BELLS_A_MONTH * PRICES["a GB and second of Lambda"]
