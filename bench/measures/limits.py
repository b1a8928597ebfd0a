"""What the servers can do at most, for information: rows by COPY and by Postgres itself, pushes by pipeline."""

from __future__ import annotations

import time

from sqlalchemy import text

from bench.figures import Figure, Spread, in_turn
from bench.making import make_rows
from bench.sheets import Campus
from bench.timing import timed_drain
from bench.world import World
from chalicelib.services.drain import Pace

JOBS, SIZE, BATCHES = 40, 500, 1
ONE_BATCH = Pace(max_records=20_000, hands=1)
PUSHES = 2_000

_COPY_OUT = (
    "copy (select {columns} from student_attendance where tenant_id = '{tenant}' and date = '{day}') to '{file}'"
)
_COPY_IN = "copy student_attendance ({columns}) from '{file}'"
_COLUMNS = """tenant_id, date + {back} as date, student_id, period_id, section_id, session_id, status, remarks,
    marked_by, marked_role, marked_at, submitted_at, job_id"""


def limits(world: World) -> list[Figure]:
    """Ours beside COPY of the same rows from a file on the server, and beside rows that Postgres makes itself."""
    campus = world.campus(JOBS, SIZE)
    marks = JOBS * SIZE
    others = {
        "COPY alone, from a file on the server": lambda: marks / _copy(world, campus, marks),
        "rows that Postgres makes itself": lambda: marks / make_rows(world, campus, marks, BATCHES),
    }
    series = in_turn(lambda: marks / timed_drain(world, campus, pace=ONE_BATCH), others, world.runs)
    rows = [series.beside(name, "drain of one batch of 20,000 marks", "marks/s") for name in others]
    [sheet] = campus.sheets(campus.new_day(), jobs=1)
    payload = sheet.for_us().data
    pushes = [_push(world, payload) for _ in range(world.runs)]
    lists = "LPUSH of 500 marks, a client that pipelines 100 (the wheel has no redis-benchmark)"
    return [*rows, Figure(lists, "jobs/s", Spread.of(pushes))]


def _copy(world: World, campus: Campus, marks: int) -> float:
    source = campus.new_day()
    timed_drain(world, campus, day=source)
    day = campus.new_day()
    file = world.postgres.data / "marks.copy"
    columns = _COLUMNS.format(back=(day - source).days)
    with world.owner.connect() as connection:
        connection.execute(text(_COPY_OUT.format(columns=columns, tenant=campus.tenant, day=source, file=file)))
        named = _COLUMNS.replace("date + {back} as date", "date")
        started = time.perf_counter()
        connection.execute(text(_COPY_IN.format(columns=named, file=file)))
        connection.commit()
        seconds = time.perf_counter() - started
    campus.require(day, marks)
    return seconds


def _push(world: World, payload: bytes) -> float:
    world.redis.delete("bench")
    started = time.perf_counter()
    for _ in range(PUSHES // 100):
        pipeline = world.redis.pipeline(transaction=False)
        for _ in range(100):
            pipeline.lpush("bench", payload)
        pipeline.execute()
    seconds = time.perf_counter() - started
    world.redis.delete("bench")
    return PUSHES / seconds
