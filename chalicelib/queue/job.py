"""What goes on the queue and what comes off it: NewJob and Job, plain values that know nothing of Redis' commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.domain.job_state import JobState
from chalicelib.queue.ref import JobRef, Lane


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a failed attempt is followed by a pause: `ms`, or `ms · 2^(n-1)` after the n-th if exponential.

    `jitter` (0 to 1) is the share of the pause that is drawn at random.
    """

    ms: int
    type: Literal["fixed", "exponential"] = "fixed"
    jitter: float = 0.0

    def __post_init__(self) -> None:
        """Refuses a pause that makes no sense."""
        if self.ms < 0 or not 0 <= self.jitter <= 1:
            raise ValueError("a backoff has ms >= 0 and a jitter from 0 to 1")


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Digests (hexadecimal) of an Idempotency-Key, whoever sent it included, and of the body it came with."""

    key: str
    body: str


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to enqueue.

    `id` is a UUIDv7 (`new_job_id()`); `size` counts its records. `data` is for the consumer and deleted when the job
    is completed or cancelled; `meta` is small and kept as long as the job; `trace` tells the consumer which request the
    job came from. The queue parses none of them.
    """

    id: str
    tenant: str
    kind: str
    lane: Lane
    size: int
    data: bytes = field(repr=False)
    meta: str
    submitted_by: str
    idempotency: Idempotency | None = None
    max_attempts: int = 3
    backoff: Backoff = Backoff(5_000)
    trace: str = ""

    def __post_init__(self) -> None:
        """Refuses what would break the queue's own books."""
        if self.tenant in {"", "*"} or "|" in self.id or self.size < 0 or self.max_attempts < 1:
            raise ValueError("a job needs a tenant other than '*', an id without '|', size >= 0, max_attempts >= 1")

    @property
    def ref(self) -> JobRef:
        """Where the job lives."""
        return JobRef(self.lane, self.size, self.tenant, self.id)

    def to_fields(self) -> dict[str, str | int | float | bytes]:
        """The job's hash as enqueue writes it, but for state and submitted_at, which Redis decides."""
        return {
            "id": self.id, "tenant": self.tenant, "kind": self.kind, "lane": self.lane.value, "size": self.size,
            "data": self.data, "meta": self.meta, "submitted_by": self.submitted_by,
            "attempts_made": 0, "max_attempts": self.max_attempts, "stalls": 0, "processed": 0,
            "backoff_ms": self.backoff.ms, "backoff_type": self.backoff.type, "jitter": self.backoff.jitter,
            **({"trace": self.trace} if self.trace else {}),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the queue holds it; instants are µs since 1970 by the clock of Redis.

    Only `claim` fills `data`, `token` and `trace`; `get` and `list` leave them empty: nobody follows a job by its data.
    `result` and `error` are JSON as the consumer wrote it. `shard` is where it was found.
    """

    id: str
    tenant: str
    kind: str
    lane: Lane
    size: int
    state: JobState
    meta: str
    submitted_by: str
    submitted_at: int
    attempts_made: int
    max_attempts: int
    stalls: int
    processed: int
    started_at: int | None = None
    finished_at: int | None = None
    result: str | None = None
    error: str | None = None
    shard: int = 0
    token: str = field(default="", repr=False)
    data: bytes = field(default=b"", repr=False)
    trace: str = ""

    @property
    def total(self) -> int:
        """The job's records."""
        return self.size

    @property
    def ref(self) -> JobRef:
        """Where the job lives."""
        return JobRef(self.lane, self.size, self.tenant, self.id)


SHOWN = (
    "id", "tenant", "kind", "lane", "size", "state", "meta", "submitted_by", "submitted_at", "attempts_made",
    "max_attempts", "stalls", "processed", "started_at", "finished_at", "result", "error",
)  # fmt: skip
"""The fields that `get` and `list` read: all but the token, the data and the trace."""
CLAIMED = (*SHOWN, "token", "data", "trace")
"""The fields that `claim` reads."""


def job_from_values(values: Iterable[bytes | None], shard: int) -> Job | None:
    """The job of a shard of which these are the SHOWN or the CLAIMED fields; None if its hash is gone.

    Raises ValueError for a hash that no queue wrote.
    """
    present = {name: value for name, value in zip(CLAIMED, values, strict=False) if value is not None}
    try:
        return _job(present, shard) if "state" in present else None
    except KeyError as missing:
        raise ValueError(f"a job without {missing}") from None


def _job(fields: Mapping[str, bytes], shard: int) -> Job:
    text = {name: fields[name].decode() for name in SHOWN if name in fields}
    return Job(
        id=text["id"],
        tenant=text["tenant"],
        kind=text["kind"],
        lane=Lane(text["lane"]),
        size=int(text["size"]),
        state=JobState(text["state"]),
        meta=text["meta"],
        submitted_by=text["submitted_by"],
        submitted_at=int(text["submitted_at"]),
        attempts_made=int(text["attempts_made"]),
        max_attempts=int(text["max_attempts"]),
        stalls=int(text["stalls"]),
        processed=int(text["processed"]),
        started_at=int(text["started_at"]) if "started_at" in text else None,
        finished_at=int(text["finished_at"]) if "finished_at" in text else None,
        result=text.get("result"),
        error=text.get("error"),
        shard=shard,
        token=fields.get("token", b"").decode(),
        data=fields.get("data", b""),
        trace=fields.get("trace", b"").decode(),
    )
