"""The drain in batches of 20,000 marks, beside as many rows that Postgres makes itself in the same table."""

from __future__ import annotations

from bench.figures import Figure, Target, in_turn
from bench.making import make_rows
from bench.timing import timed_drain
from bench.world import World
from chalicelib.services.drain import Pace

JOBS, SIZE, BATCHES = 160, 500, 4
PACE = Pace(max_records=20_000)


def batches(world: World) -> list[Figure]:
    """Marks a second; the other is INSERT … SELECT of generated rows, as the owner, without queue, JSON or policy."""
    campus = world.campus(JOBS, SIZE)
    marks = JOBS * SIZE
    series = in_turn(
        lambda: marks / timed_drain(world, campus, pace=PACE),
        {"rows that Postgres makes itself": lambda: marks / make_rows(world, campus, marks, BATCHES)},
        world.runs,
    )
    target = Target("at least", 0.7)
    return [series.beside(name, "drain in batches of 20,000 marks", "marks/s", target) for name in series.others]
