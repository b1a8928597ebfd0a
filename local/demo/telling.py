"""How the demo looks: plain lines and small tables, on a terminal of 80 columns and in a file alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from chalicelib.services.roster_import import ImportReport

_COUNTED = (("student", "students"), ("staff_member", "staff"), ("section", "sections"), ("guardian", "guardians"))


def make_console(*, stderr: bool = False) -> Console:
    """A console that leaves numbers and names uncoloured, and a long word whole."""
    return Console(highlight=False, stderr=stderr, emoji=False)


def roster_line(report: ImportReport) -> str:
    """What a tenant has now, in words."""
    held = ((report.counts[table], word) for table, word in _COUNTED)
    return ", ".join(f"{c.created + c.updated + c.unchanged:,} {word}" for c, word in held)


def progress_bar(console: Console) -> Progress:
    """The bar of a job, and the `way` in which it is followed."""
    return Progress(
        TextColumn("  {task.description:<9}"),
        BarColumn(40),
        MofNCompleteColumn(),
        TextColumn("{task.fields[way]}"),
        console=console,
    )


def result_line(result: Mapping[str, Any]) -> str:
    """The outcome of a job, in words."""
    counts = ", ".join(f"{result[name]:,} {name}" for name in ("applied", "unchanged", "superseded"))
    return f"{counts}, {len(result['rejected']):,} rejected"


def milliseconds(seconds: float) -> str:
    """A duration, to the millisecond."""
    return f"{seconds * 1000:,.0f} ms"


def history_table(title: str, item: Mapping[str, Any], names: Mapping[str, str]) -> Table:
    """A mark's history: the first marking, then each change, who made it and why."""
    table = Table(title=title, title_justify="left")
    for heading in ("When (UTC)", "What", "Who", "Why"):
        table.add_column(heading, overflow="fold")
    first = item["first"]
    who = names.get(first["marked_by"], first["marked_by"])
    table.add_row(_clock(first["marked_at"]), f"marked {_status(first)}", who, "")
    for change in item["changes"]:
        what = f"{_status(change['before'])} -> {_status(change['after'])}"
        who = names.get(change["actor_id"], change["actor_id"])
        table.add_row(_clock(change["at"]), what, f"{who} ({change['actor_role']})", change["reason"] or "")
    return table


def day_name(day: date) -> str:
    """A date with its weekday, such as `Monday, 2026-11-23`."""
    return f"{day:%A}, {day}"


def _status(mark: Mapping[str, Any]) -> str:
    return f"{mark['status']} ({mark['remarks']})" if mark.get("remarks") else str(mark["status"])


def _clock(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%H:%M:%S}"
