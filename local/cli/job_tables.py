"""How jobs and the queue look in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from chalicelib.queue import Load, ShardCounts
    from chalicelib.services.control import QueueView
    from chalicelib.services.jobs import JobView

_REJECTED_SHOWN = 50


def jobs_table(jobs: Sequence[tuple[str, JobView]]) -> Table:
    """A line a job, with its tenant's name if there are several tenants."""
    several = len({tenant for tenant, _ in jobs}) > 1
    table = _table(*(["Tenant"] if several else []), "State", "Records", "Tries", "Submitted (UTC)", "Error")
    for tenant, job in jobs:
        cells = [job.id, *([tenant] if several else []), job.state.value, f"{job.processed:,}/{job.total:,}"]
        table.add_row(*cells, _tries(job), f"{job.submitted_at:%m-%d %H:%M:%S}", str((job.error or {}).get("code", "")))
    return table


def job_table(tenant: str, job: JobView) -> Table:
    """All that is known of one job."""
    table = Table.grid(padding=(0, 2))
    told = {
        "Job": job.id, "Tenant": tenant, "Kind": job.kind, "State": job.state.value, "Submitted by": job.submitted_by,
        "Records": f"{job.processed:,} of {job.total:,}", "Tries": _tries(job), "Submitted": _instant(job.submitted_at),
        "Started": _instant(job.started_at), "Finished": _instant(job.finished_at),
    }  # fmt: skip
    told |= {name.capitalize(): str(value) for name, value in (job.result or {}).items() if name != "rejected"}
    for name, value in told.items():
        table.add_row(name, value)
    for name, value in (job.error or {}).items():
        table.add_row(f"Error {name}", str(value))
    rejected = (job.result or {}).get("rejected", [])
    for one in rejected[:_REJECTED_SHOWN]:
        who = next(str(value) for name, value in one.items() if name != "code")
        table.add_row("Rejected", f"{who}  {one['code']}")
    if len(rejected) > _REJECTED_SHOWN:
        table.add_row("Rejected", f"… and {len(rejected) - _REJECTED_SHOWN:,} more")
    return table


def figures_table(loads: Mapping[str, Load], names: Mapping[str, str]) -> Table:
    """A line for each load, under the tenant's name where there is one."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Tenant", no_wrap=True)
    for heading in ("Waiting", "Active", "Delayed", "Dead", "Oldest", "Paused"):
        table.add_column(heading, justify="right")
    for tenant, load in loads.items():
        table.add_row(names.get(tenant, tenant), *_load(load))
    return table


def shards_table(shards: Sequence[ShardCounts]) -> Table:
    """A line for each shard."""
    table = Table(box=None, pad_edge=False)
    for heading in ("Shard", "Waiting", "Active", "Delayed", "Dead", "Strangers"):
        table.add_column(heading, justify="right")
    for number, one in enumerate(shards):
        counts = one.counts
        told = (number, counts.waiting, counts.active, counts.delayed, counts.failed, one.strangers)
        table.add_row(*(f"{count:,}" for count in told))
    return table


def health_lines(view: QueueView) -> list[str]:
    """How the drain does, and what puts jobs at risk."""
    drain = view.drain
    when = f" ({_span((datetime.now(UTC) - drain.at).total_seconds())} ago)" if drain.at is not None else ""
    return [f"Drain: {drain.state}{when}", *(f"Warning: {warning}" for warning in view.warnings)]


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("Job", *headings):
        table.add_column(heading, no_wrap=True)
    return table


def _load(load: Load) -> list[str]:
    counts = (f"{count:,}" for count in (load.waiting, load.active, load.delayed, load.failed))
    oldest = _span(load.oldest_ms / 1000) if load.oldest_ms is not None else "-"
    return [*counts, oldest, "yes" if load.paused else "no"]


def _tries(job: JobView) -> str:
    return f"{job.attempts_made}/{job.max_attempts}"


def _instant(instant: datetime | None) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if instant is not None else "-"


def _span(seconds: float) -> str:
    """The two largest units of a duration, such as `3 min 20 s`."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
