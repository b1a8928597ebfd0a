"""Enqueue for a tenant that moves to another shard, so that it loses no Idempotency-Key, pause or order on the way."""

from __future__ import annotations

from chalicelib.queue.job import NewJob
from chalicelib.queue.replies import Enqueued
from chalicelib.queue.shard import Shard


def enqueue_moving(place: Shard, other: Shard, job: NewJob) -> Enqueued:
    """Puts the job where it belongs, in one round trip more than usual, or where the tenant still is.

    What an Idempotency-Key made is found where it was made. A tenant that was paused before the change goes on
    collecting jobs there until it is resumed: no consumer of its new place knows of the pause. A job at one place is
    submitted later than those at the other, whatever the clocks of two servers say.
    """
    there = other.glimpse(job)
    if there.knows_key:
        return other.enqueue(job)
    if there.paused and not (here := place.glimpse(job)).paused and not here.knows_key:
        return other.enqueue(job, after=here.clock)
    return place.enqueue(job, after=there.clock)
