"""The drain into a table that holds years of marks, beside the drain into an empty one."""

from __future__ import annotations

from bench.figures import Figure, Target, in_turn
from bench.making import fill_table
from bench.timing import timed_drain
from bench.world import World

JOBS, SIZE = 40, 500
FULL, SHORT = 10_000_000, 1_000_000


def full_table(world: World) -> list[Figure]:
    """Marks a second; two databases of one server, alike but for the marks that one of them holds."""
    rows = FULL if world.full else SHORT
    world.make_database("filled")
    world.make_database("empty")
    fill_table(world.owner_of("filled"), rows)
    filled, empty = world.database_of("filled"), world.database_of("empty")
    there, here = world.campus(JOBS, SIZE, name="filled"), world.campus(JOBS, SIZE, name="empty")
    marks = JOBS * SIZE
    series = in_turn(
        lambda: marks / timed_drain(world, there, database=filled),
        {"an empty table": lambda: marks / timed_drain(world, here, database=empty)},
        world.runs,
    )
    what = f"drain with {rows / 1e6:.0f} million marks in the table"
    return [series.beside("an empty table", what, "marks/s", Target("at least", 0.85))]
