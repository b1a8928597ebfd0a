# Runs in the peers' own environment, whose packages mypy does not see.
# mypy: ignore-errors
"""RQ: a SimpleWorker, which does not fork for each job. Driven by lines of JSON, as bullmq.cjs is."""

from __future__ import annotations

import os

from driven import drive, seconds_of
from redis import Redis
from rq import Queue, SimpleWorker
from writing import tools, write

connection = Redis(unix_socket_path=os.environ["PEER_REDIS_SOCKET"])
queue = Queue("marks", connection=connection)


def fill(sheets: list[dict], mode: str) -> None:
    """Put jobs on the queue."""
    queue.enqueue_many([Queue.prepare_data(write, (sheet, mode), result_ttl=0) for sheet in sheets])


def drain(sheets: list[dict]) -> float:
    """Work until the queue is empty; seconds from the start of the first to the end of the last, by the ledger."""
    SimpleWorker([queue], connection=connection).work(burst=True, logging_level="ERROR")
    return seconds_of(sheets)


if __name__ == "__main__":
    tools()
    drive(fill, drain)
