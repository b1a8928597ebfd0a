"""Corrections, where every mark changes and its audit is written, beside first marks."""

from __future__ import annotations

from datetime import date

from bench.figures import Figure, Target, in_turn
from bench.sheets import WrongRows
from bench.timing import timed_drain
from bench.world import World

JOBS, SIZE = 40, 500


def corrections(world: World) -> list[Figure]:
    """Marks a second; each round marks a new day and then corrects all of it."""
    campus = world.campus(JOBS, SIZE)
    marks = JOBS * SIZE
    days: list[date] = [campus.new_day()]
    timed_drain(world, campus, day=days[0])

    def correct() -> float:
        seconds = timed_drain(world, campus, day=days[-1], shift=1)
        with campus.database.transaction(campus.tenant) as connection:
            entries = connection.exec_driver_sql(
                "select count(*) from attendance_audit_log where date = %s", (days[-1],)
            ).scalar()
        if entries != marks:
            raise WrongRows(f"{entries} entries in the audit log after {marks} corrections")
        return marks / seconds

    def mark() -> float:
        days.append(campus.new_day())
        return marks / timed_drain(world, campus, day=days[-1])

    series = in_turn(correct, {"first marks": mark}, world.runs)
    what = "corrections: every mark changes, audit written"
    return [series.beside("first marks", what, "marks/s", Target("at least", 0.5))]
