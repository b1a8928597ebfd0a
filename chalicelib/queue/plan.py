"""Which jobs a claim should take: a fair batch, worked out from the heads of the lists without touching Redis."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from chalicelib.queue.ref import JobRef, Lane

Heads = Mapping[Lane, Sequence[JobRef]]
"""The first refs of a tenant's lists, oldest first."""

_BULK_TURN = 4


def plan(heads: Mapping[str, Heads], *, claim: int, max_jobs: int, max_records: int) -> list[JobRef]:
    """The refs to take, in the order in which they leave their lists.

    `heads` is in the order of the ring; `claim` numbers the claims. The plan goes round the ring and takes one job a
    tenant a round, until it has `max_jobs` or nothing fits into `max_records` any more. The first job is always taken,
    however large. A tenant whose next job does not fit is left out for the rest: it stays ahead of those that were
    served, so its job comes first in a later batch.
    """
    lanes = {tenant: {lane: deque(heads[tenant].get(lane, ())) for lane in Lane} for tenant in heads}
    round_of = deque((tenant, 0) for tenant in heads)
    taken: list[JobRef] = []
    records = 0
    while round_of and len(taken) < max_jobs:
        tenant, pick = round_of.popleft()
        queue = _next_list(lanes[tenant], claim + pick)
        if not queue or (taken and records + queue[0].size > max_records):
            continue
        ref = queue.popleft()
        taken.append(ref)
        records += ref.size
        round_of.append((tenant, pick + 1))
    return taken


def _next_list(lanes: Mapping[Lane, deque[JobRef]], turn: int) -> deque[JobRef]:
    """Interactive goes first, but every fourth turn is bulk's, so that an import is never starved."""
    first = Lane.BULK if turn % _BULK_TURN == _BULK_TURN - 1 else Lane.INTERACTIVE
    return lanes[first] or lanes[first.other]
