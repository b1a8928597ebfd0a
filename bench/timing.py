"""How our own work is timed, the same way in every measure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from bench.sheets import Campus, WrongRows, enqueue
from bench.world import World
from chalicelib.db.session import Database
from chalicelib.services.drain import Pace


def timed_drain(
    world: World,
    campus: Campus,
    *,
    day: date | None = None,
    shift: int = 0,
    database: Database | None = None,
    pace: Pace = Pace(),  # noqa: B008 - frozen
) -> float:
    """Seconds from a full queue to an empty one, of a sheet for each section; `day` is a new one by default.

    Raises WrongRows unless every job was completed and every mark stands.
    """
    when = day or campus.new_day()
    sheets = campus.sheets(when, shift=shift)
    enqueue(world.queue, sheets)
    started = time.perf_counter()
    report = world.drain(database, pace)
    seconds = time.perf_counter() - started
    if report.completed != len(sheets):
        raise WrongRows(f"{report.completed} of {len(sheets)} jobs completed")
    campus.require(when, sum(sheet.size for sheet in sheets))
    return seconds


def seconds_of(answer: Mapping[str, Any]) -> float:
    """The seconds that a peer told."""
    return float(answer["seconds"])


def milliseconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
