"""Tell the ledger of dead jobs: those that could not be written and those that stalled, whoever saw them die."""

from __future__ import annotations

import logging

from chalicelib.db.faults import Blame, blame, sqlstate
from chalicelib.errors import Unavailable
from chalicelib.queue import Job, JobQueue
from chalicelib.services.applying import KINDS, Writer, row_of
from chalicelib.services.events import Events

log = logging.getLogger(__name__)


def bury_dead(queue: JobQueue, writer: Writer, events: Events) -> int:
    """Note up to a hundred dead jobs in the ledger; how many the queue told of. Raises Unavailable.

    The queue tells of a dead job until it is buried, so a drain that ends in between loses none.
    """
    dead = queue.unburied()
    for job in dead:
        ids = {"job": job.id, "tenant": job.tenant}
        log.error("job %s has failed for good: %s", job.id, job.error, extra=ids)
        if job.kind in KINDS and job.error is not None:
            _note(writer, job, job.error)
    queue.bury(dead)
    if dead:
        events.changed(dead)
    return len(dead)


def _note(writer: Writer, job: Job, error: str) -> None:
    try:
        writer.bury(row_of(job, attempts=job.attempts_made), error)
    except Exception as fault:
        if blame(fault) is not Blame.DATA:
            raise Unavailable("Postgres does not answer.") from fault
        # Redis tells of it, for as long as it does. Not the error itself: Postgres quotes the row.
        ids = {"job": job.id, "tenant": job.tenant}
        log.error("job %s cannot be told in the ledger: %s", job.id, sqlstate(fault), extra=ids)  # noqa: TRY400 - as above
