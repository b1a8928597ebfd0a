"""The job queue on Redis lists: durable, fair between tenants, at least once. It knows nothing of attendance."""

from __future__ import annotations

from chalicelib.queue.ids import new_job_id
from chalicelib.queue.job import Backoff, Idempotency, Job, NewJob
from chalicelib.queue.job_queue import JobQueue
from chalicelib.queue.ref import Lane
from chalicelib.queue.replies import Counts, Enqueued, FailOutcome, Figures, Load, ShardCounts
from chalicelib.queue.server import UnsafeServer
from chalicelib.queue.settings import Limits, Retention

__all__ = [
    "Backoff",
    "Counts",
    "Enqueued",
    "FailOutcome",
    "Figures",
    "Idempotency",
    "Job",
    "JobQueue",
    "Lane",
    "Limits",
    "Load",
    "NewJob",
    "Retention",
    "ShardCounts",
    "UnsafeServer",
    "new_job_id",
]
