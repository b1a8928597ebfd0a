"""The memory of a consumer that drains 20,000 marks."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from bench.figures import Figure, Spread, Target
from bench.sheets import Campus, WrongRows, enqueue
from bench.world import World
from local.folder import ROOT
from local.settings import environment

JOBS, SIZE = 40, 500


def memory(world: World) -> list[Figure]:
    """MiB at the peak of a fresh process, interpreter and libraries included, as the kernel counts them."""
    campus = world.campus(JOBS, SIZE)
    peaks = [_drain_in_child(world, campus) for _ in range(world.runs)]
    return [
        Figure(
            "memory of a drain of 20,000 marks, at its peak", "MiB", Spread.of(peaks), target=Target("less than", 200)
        )
    ]


def _drain_in_child(world: World, campus: Campus) -> float:
    enqueue(world.queue, campus.sheets(campus.new_day()))
    variables = environment(database_url=world.app_url(), redis_url=world.redis_server.url(), key="-" * 32, pool=2)
    command = [sys.executable, "-m", "bench.consumer"]
    told = json.loads(subprocess.check_output(command, cwd=ROOT, env={**os.environ, **variables}))
    if told["completed"] != JOBS:
        raise WrongRows(f"{told['completed']} of {JOBS} jobs completed")
    return float(told["peak_bytes"]) / 2**20
