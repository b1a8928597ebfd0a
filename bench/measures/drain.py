"""The drain of lists of 500 marks by one consumer, beside BullMQ, Celery and RQ, which write a job at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from bench.figures import Figure, Sampler, Target, in_turn
from bench.peers.installing import PeerMissing
from bench.peers.process import PeerProcess
from bench.peers.starting import start_bullmq, start_celery, start_rq
from bench.sheets import Campus
from bench.timing import seconds_of, timed_drain
from bench.world import World

JOBS, SIZE = 40, 500
FEW = 4
"""Jobs of a run of those that write a row at a time: a rate needs no more, and ten times the time would be spent."""

_WHAT, _UNIT = "drain, 500 marks a job, one consumer", "marks/s"
_BY_HAND, _TENFOLD = Target("at least", 1.5), Target("at least", 10)

Start = Callable[[World], PeerProcess]
Peers = dict[str, tuple[Start, dict[str, Any], dict[str, Any], int, Target | None]]
"""By name: how it starts, what is added to its `fill` and its `drain`, how many jobs it gets, and our target."""

PEERS: Peers = {
    "BullMQ, unnest by hand, concurrency 1": (start_bullmq, {}, {"mode": "unnest", "concurrency": 1}, JOBS, _BY_HAND),
    "BullMQ, unnest by hand, concurrency 5": (start_bullmq, {}, {"mode": "unnest", "concurrency": 5}, JOBS, None),
    "BullMQ, row by row, concurrency 1": (start_bullmq, {}, {"mode": "rows", "concurrency": 1}, FEW, _TENFOLD),
    "BullMQ, row by row, concurrency 5": (start_bullmq, {}, {"mode": "rows", "concurrency": 5}, 2 * FEW, None),
    "Celery, SQLAlchemy ORM": (start_celery, {"mode": "orm"}, {}, FEW, _TENFOLD),
    "Celery, SQLAlchemy Core executemany": (start_celery, {"mode": "core"}, {}, JOBS, None),
    "RQ, SQLAlchemy ORM": (start_rq, {"mode": "orm"}, {}, FEW, _TENFOLD),
    "RQ, SQLAlchemy Core executemany": (start_rq, {"mode": "core"}, {}, JOBS, None),
}


def drain(world: World) -> list[Figure]:
    """Marks a second from a full queue to an empty one; each figure is beside one peer."""
    campus = world.campus(JOBS, SIZE)
    missing: dict[str, str] = {}
    others: dict[str, Sampler] = {}
    with ExitStack() as stack:
        running: dict[Start, PeerProcess] = {}
        for name, (start, fill, go, jobs, _) in PEERS.items():
            try:
                if start not in running:
                    running[start] = stack.enter_context(start(world))
            except PeerMissing as error:
                missing[name] = str(error)
                continue
            others[name] = _peer(running[start], campus, fill, go, jobs)
        series = in_turn(lambda: JOBS * SIZE / timed_drain(world, campus), others, world.runs)
    return [
        Figure(_WHAT, beside=name, target=target, missing=missing[name])
        if name in missing
        else series.beside(name, _WHAT, _UNIT, target)
        for name, (_, _, _, _, target) in PEERS.items()
    ]


def _peer(peer: PeerProcess, campus: Campus, fill: dict[str, Any], go: dict[str, Any], jobs: int) -> Sampler:
    def sample() -> float:
        day = campus.new_day()
        peer.ask(do="fill", jobs=[sheet.for_peers() for sheet in campus.sheets(day, jobs=jobs)], **fill)
        seconds = seconds_of(peer.ask(do="drain", **go))
        campus.require(day, jobs * SIZE)
        return jobs * SIZE / seconds

    return sample
