# Runs in the peers' own environment, whose packages mypy does not see.
# mypy: ignore-errors
"""Celery: one prefork process, acknowledging late. Driven by lines of JSON, as bullmq.cjs is.

The worker listens to `idle` until a drain lets it take from `marks`, so that it is warm and the queue is full before.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from celery import Celery
from driven import drive, seconds_of
from writing import tools, write

app = Celery("celery_peer", broker="redis+socket://" + os.environ["PEER_REDIS_SOCKET"])
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=1,  # as the documentation advises together with late acknowledgement
    task_ignore_result=True,
    worker_concurrency=1,
    task_default_queue="idle",
    broker_connection_retry_on_startup=True,
)


@app.task(name="warm_up")
def warm_up() -> None:
    """Connects."""
    tools()


@app.task(name="mark")
def mark(sheet: dict, mode: str) -> None:
    """One job."""
    write(sheet, mode)


def fill(sheets: list[dict], mode: str) -> None:
    """Put jobs on the queue that nobody listens to yet."""
    for sheet in sheets:
        mark.apply_async((sheet, mode), queue="marks")


def drain(sheets: list[dict]) -> float:
    """Let the worker take them; seconds from the start of the first to the end of the last, by the ledger."""
    app.control.add_consumer("marks", reply=True)
    try:
        return seconds_of(sheets)
    finally:
        app.control.cancel_consumer("marks", reply=True)


if __name__ == "__main__":
    command = [sys.executable, "-m", "celery", "-A", "celery_peer", "worker", "--queues=idle", "--pool=prefork"]
    command += ["--concurrency=1", "--loglevel=error", "--without-gossip", "--without-mingle"]
    with Path(os.environ["PEER_LOG"]).open("ab") as log:
        worker = subprocess.Popen(command, cwd=Path(__file__).parent, stdout=log, stderr=log)
    try:
        warm_up.apply_async(queue="idle")
        drive(fill, drain)
    finally:
        worker.terminate()
        worker.wait(20)
