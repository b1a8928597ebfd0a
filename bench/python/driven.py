# Runs in the peers' own environment, whose packages mypy does not see.
# mypy: ignore-errors
"""What the Python peers share: commands by lines of JSON, and the time of a drain as the ledger tells it."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable

from sqlalchemy import text
from writing import tools

_TOLD = text(
    "select count(*), extract(epoch from max(finished_at) - min(started_at))::float8"
    " from attendance_job where tenant_id = cast(:tenant as uuid) and job_id = any (cast(:jobs as uuid[]))"
)
_DEADLINE_S = 300


def drive(fill: Callable[[list[dict], str], None], drain: Callable[[list[dict]], float]) -> None:
    """Answer each line: `{"do": "fill", "jobs": […], "mode": "orm" | "core"}`, then `{"do": "drain"}`."""
    out = sys.stdout
    sys.stdout = sys.stderr
    waiting: list[dict] = []
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if command["do"] == "fill":
                waiting = [{**sheet, "sent": time.time()} for sheet in command["jobs"]]
                fill(waiting, command["mode"])
                answer = {"waiting": len(waiting)}
            else:
                answer = {"seconds": drain(waiting)}
        except Exception:  # noqa: BLE001  whatever it was, the other side is told
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=out, flush=True)


def seconds_of(sheets: list[dict]) -> float:
    """Wait until all are in the ledger; seconds from the first start to the last end. Raises TimeoutError."""
    deadline = time.monotonic() + _DEADLINE_S
    named = {"tenant": sheets[0]["tenant_id"], "jobs": [sheet["job_id"] for sheet in sheets]}
    while time.monotonic() < deadline:
        with tools()[0].connect() as connection:
            count, seconds = connection.execute(_TOLD, named).one()
        if count == len(sheets):
            return seconds
        time.sleep(0.05)
    raise TimeoutError(f"{count} of {len(sheets)} jobs after {_DEADLINE_S} s")
