"""The way of a mark, as processes: clients, REST functions, Redis servers, drains and Postgres."""

from __future__ import annotations

import math
import random
from collections import deque

from bench.simulate.engine import Clock, Process, Signal, Station, Tally
from bench.simulate.parameters import Parameters
from bench.simulate.parts import Hands, Job, Shard
from bench.simulate.sizes import Bell
from chalicelib.queue.layout import Layout
from chalicelib.services.drain import Pace
from chalicelib.services.jobs import POLL_FIRST_S, POLL_MOST_S

PACE = Pace()
BELL_S = 1.0
"""JobQueue's `bell_ms`: a shard's doorbell is rung once a second at most."""
READ_AHEAD_S = 120.0
MARKS = 30


class Model:
    """One bell. `always` means a consumer that is never invoked and never leaves, as a laptop has it."""

    def __init__(self, bell: Bell, parameters: Parameters, seed: int = 1, *, always: bool = False) -> None:
        self.bell, self.parameters, self.always = bell, parameters, always
        self.clock = clock = Clock()
        self._draw = random.Random(seed)
        p, ground = parameters, bell.ground
        sigma2 = math.log(1 + p["spread"] ** 2)
        self._mu, self._sigma = -sigma2 / 2, math.sqrt(sigma2)
        self.redis = [Station(clock, 1) for _ in range(ground.redis_nodes)]
        self.postgres = Station(clock, ground.postgres_cores)
        self.shards = [Shard(self.redis[at % len(self.redis)], Signal(clock)) for at in range(ground.shards)]
        self._layout = Layout(ground.shards)
        self.rest, self.draining = Tally(clock), Tally(clock)
        self._idle_rest = self._idle_drains = 0
        self._rung: deque[Shard] = deque()
        self.accepted: list[float] = []
        self.completed: list[float] = []
        self.requests: dict[int, int] = {}
        self.sent: dict[int, int] = {}
        self.commands = 0.0
        self.batches = 0

    def run(self) -> Model:
        """Ring the bell and wait until everything is done."""
        for number in range(self.bell.registers):
            tenant = number % self.bell.tenants
            at = READ_AHEAD_S + self._draw.triangular(0, self.bell.seconds, self.bell.seconds / 4)
            for _ in range(self.bell.reads):
                self.clock.start(self._read(tenant), at - self._draw.random() * READ_AHEAD_S)
            self.clock.start(self._mark(tenant), at)
        if self.always:
            for shard in self.shards:
                self.clock.start(self._drain(shard))
        self.clock.run()
        return self

    # The clients, and the REST function that each request occupies.

    def _mark(self, tenant: int) -> Process:
        p, sent = self.parameters, self.clock.now
        self.sent[int(sent)] = self.sent.get(int(sent), 0) + 1
        shard = self.shards[self._layout.places(f"tenant-{tenant}")[0]]
        entered = yield from self._begin()
        yield p["accept_cpu_ms"] * self._vary() / p["rest_cpu"]
        yield from self._redis(self._cache(tenant), p["accept_redis_read_ms"])
        yield from self._redis(shard.server, p["accept_redis_write_ms"])
        self.commands += p["accept_redis_commands"]
        job = Job(sent)
        shard.waiting.append(job)
        shard.arrived.fire()
        if not self.always and self.clock.now >= shard.bell_until:
            shard.bell_until = self.clock.now + BELL_S
            self.clock.start(self._ring(shard), p["invoke_ms"])
        self._end(entered)
        yield p["gateway_ms"] / 2
        self.accepted.append(self.clock.now - sent)
        if self.bell.reads:
            yield from self._follow(job, shard)

    def _follow(self, job: Job, shard: Shard) -> Process:
        """GET /jobs/{jobId}?wait=20, which holds a function until the job is done."""
        p = self.parameters
        entered = yield from self._begin()
        yield p["status_cpu_ms"] * self._vary() / p["rest_cpu"]
        pause = POLL_FIRST_S
        while True:
            yield from self._redis(shard.server, p["status_redis_ms"])
            self.commands += p["status_redis_commands"]
            if job.done:
                break
            yield pause
            pause = min(pause * 1.5, POLL_MOST_S)
        self._end(entered)

    def _read(self, tenant: int) -> Process:
        """A roster or the like: as costly as a status, from the cache of the tenant."""
        p = self.parameters
        entered = yield from self._begin()
        yield p["status_cpu_ms"] * self._vary() / p["rest_cpu"]
        yield from self._redis(self._cache(tenant), p["status_redis_ms"])
        self.commands += p["status_redis_commands"]
        self._end(entered)

    def _begin(self) -> Process:
        second = int(self.clock.now)
        self.requests[second] = self.requests.get(second, 0) + 1
        yield self.parameters["gateway_ms"] / 2
        entered = self.rest.enter()
        if self._idle_rest:
            self._idle_rest -= 1
        elif not self.always:
            yield self.parameters["rest_start_ms"] * self._vary()
        return entered

    def _end(self, entered: float) -> None:
        self.rest.leave(entered)
        self._idle_rest += 1

    # The drain.

    def _ring(self, shard: Shard) -> Process:
        """An asynchronous invocation: when all drains that are allowed run, it waits for one to end."""
        if self.draining.inside >= self.bell.ground.drains:
            self._rung.append(shard)
            return
        yield from self._drain(shard)
        while self._rung and self.draining.inside < self.bell.ground.drains:
            self.clock.start(self._ring(self._rung.popleft()))

    def _drain(self, shard: Shard) -> Process:
        """As services/drain.py: a small batch at once, large ones two at a time; then a moment of lingering."""
        p, entered = self.parameters, self.draining.enter()
        hands = Hands(Signal(self.clock), Station(self.clock, 1))
        if self._idle_drains:
            self._idle_drains -= 1
        elif not self.always:
            yield p["rest_start_ms"] * self._vary()
        while True:
            yield from self._redis(shard.server, p["batch_redis_ms"])
            self.commands += p["batch_redis_commands"]
            jobs = [shard.waiting.popleft() for _ in range(min(PACE.max_jobs, len(shard.waiting)))]
            if jobs and not hands.busy and len(jobs) < PACE.max_jobs and len(jobs) * MARKS < PACE.max_records // 4:
                yield from self._write(shard, jobs, hands.core)
                continue
            if jobs:
                hands.busy += 1
                self.clock.start(hands.work(self._write(shard, jobs, hands.core)))
                if hands.busy < PACE.hands:
                    continue
            if hands.busy:
                yield hands.free, 3600.0
            elif shard.waiting:
                continue
            elif not (yield shard.arrived, PACE.linger_s) and not shard.waiting and not self._more():
                break
        self._idle_drains += 1
        self.draining.leave(entered)

    def _write(self, shard: Shard, jobs: list[Job], core: Station) -> Process:
        p, size = self.parameters, len(jobs)
        yield core, (p["batch_drain_ms"] + size * p["register_drain_ms"]) * self._vary() / p["drain_cpu"]
        yield self.postgres, (p["batch_postgres_ms"] + size * p["register_postgres_ms"]) * self._vary()
        yield p["batch_wait_ms"] + 2 * p["round_trip_ms"]
        yield from self._redis(shard.server, size * p["register_redis_ms"])
        self.commands += size * p["register_redis_commands"]
        self.batches += 1
        for job in jobs:
            job.done = True
            self.completed.append(self.clock.now - job.sent)

    def drained_a_second(self) -> float:
        """Registers that one drain could write, were there always enough for full batches."""
        p, size = self.parameters, PACE.max_jobs
        thinking = (p["batch_drain_ms"] + size * p["register_drain_ms"]) / p["drain_cpu"]
        writing = p["batch_postgres_ms"] + size * p["register_postgres_ms"] + p["batch_wait_ms"]
        return size / max(thinking, (thinking + writing) / PACE.hands)

    def _more(self) -> bool:
        """A laptop's consumer stays until the last register is done."""
        return self.always and len(self.completed) < self.bell.registers

    def _redis(self, server: Station, seconds: float) -> Process:
        yield self.parameters["round_trip_ms"]
        yield server, seconds * self._vary()

    def _cache(self, tenant: int) -> Station:
        return self.redis[tenant % len(self.redis)]

    def _vary(self) -> float:
        return self._draw.lognormvariate(self._mu, self._sigma)
