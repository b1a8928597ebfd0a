"""A register of 30, from sent to completed while the consumer waits for it, beside BullMQ with the same work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from redis import Redis

from bench.figures import Figure, Target, in_turn
from bench.peers.installing import PeerMissing
from bench.peers.starting import start_bullmq
from bench.sheets import Campus, Sheet
from bench.world import World
from chalicelib.db.writer import BatchWriter
from chalicelib.queue import Job, JobQueue
from chalicelib.services.drain import Drain

REGISTERS, SIZE = 40, 30
_WHAT, _PEER = "a register of 30, sent → completed, p50", "BullMQ, unnest by hand"
_PAUSE_S = 0.005
_DEADLINE_S = 10


class TellingQueue(JobQueue):
    """A queue whose consumer tells when it has acknowledged, as BullMQ's `completed` event does."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.acknowledged = threading.Event()

    def ack(self, done: Sequence[tuple[Job, str]]) -> list[bool]:
        """Acknowledges, then tells."""
        held = super().ack(done)
        self.acknowledged.set()
        return held


def register(world: World) -> list[Figure]:
    """Milliseconds from the call that sends to the completed job. Sender and consumer share a process on both sides."""
    campus = world.campus(REGISTERS, SIZE)
    target = Target("at most", 1.5)
    try:
        peer = start_bullmq(world)
    except PeerMissing as error:
        return [Figure(_WHAT, beside=_PEER, target=target, missing=str(error))]

    def theirs() -> float:
        day = campus.new_day()
        jobs = [sheet.for_peers() for sheet in campus.sheets(day)]
        answer = peer.ask(do="registers", mode="unnest", jobs=jobs)
        campus.require(day, REGISTERS * SIZE)
        return median(map(float, answer["ms"]))

    with peer, _waiting(world) as queue:
        series = in_turn(lambda: _ours(queue, campus), {_PEER: theirs}, world.runs)
    return [series.beside(_PEER, _WHAT, "ms", target)]


@contextmanager
def _waiting(world: World) -> Iterator[TellingQueue]:
    """A consumer that waits in a thread; the queue on which to send to it."""
    redis = Redis.from_url(world.redis_server.url())
    queue = TellingQueue(redis)
    stop = threading.Event()
    drain = Drain(queue, BatchWriter(world.database))

    def consume() -> None:
        while not stop.is_set():
            drain.run(_until(stop), linger_s=0.2)

    thread = threading.Thread(target=consume)
    thread.start()
    try:
        yield queue
    finally:
        stop.set()
        thread.join()
        redis.close()


def _until(stop: threading.Event) -> Callable[[], int]:
    return lambda: 0 if stop.is_set() else 60_000


def _ours(queue: TellingQueue, campus: Campus) -> float:
    day = campus.new_day()
    spent = [_send(queue, sheet) for sheet in campus.sheets(day)]
    # The consumer's own connection is the campus': wait until it is back.
    time.sleep(_PAUSE_S)
    campus.require(day, REGISTERS * SIZE)
    return median(spent)


def _send(queue: TellingQueue, sheet: Sheet) -> float:
    queue.acknowledged.clear()
    job = sheet.for_us()
    started = time.perf_counter()
    queue.enqueue(job)
    if not queue.acknowledged.wait(_DEADLINE_S):
        raise TimeoutError("the consumer did not complete the register")
    spent = (time.perf_counter() - started) * 1000
    time.sleep(_PAUSE_S)  # the consumer goes back to wait, as between two teachers
    return spent
