"""`demo`: the main job end to end, then everything is stopped."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import psutil
import typer

from local.cli.ending import plain_errors

if TYPE_CHECKING:
    from rich.console import Console

    from local.demo.stopwatch import Stopwatch
    from local.demo.story import Request
    from local.stack import Stack


def demo(
    roster: Annotated[Path | None, typer.Option(help="A OneRoster 1.2 folder or zip for the tenant demo.")] = None,
) -> None:
    """Start everything, mark 500 students in one request, correct one, show the history, stop everything."""
    from local.demo.stopwatch import Stopwatch
    from local.demo.telling import make_console
    from local.stack import OwnServers, Stack

    console = make_console()
    watch = Stopwatch(console, psutil.Process().create_time())
    watch.note("Start Python and load the modules", watch.elapsed)
    with plain_errors():
        console.print("\n[bold]Rollcall[/bold]: from the bell to the history, on this machine")
        with Stack(roster=roster, servers=OwnServers.from_environment(), step=watch.step) as stack:
            _tell_stack(console, stack)
            _tell_story(console, watch, stack)
            stopping = time.perf_counter()
        watch.note("Stop everything", time.perf_counter() - stopping)
        console.print()
        console.print(watch.table())
        console.print("\nIt stays up with `make dev`.\n")


def _tell_stack(console: Console, stack: Stack) -> None:
    from local.demo.telling import roster_line

    for tenant, report in stack.imports.items():
        console.print(f"  Tenant {tenant}: {roster_line(report)}")
    console.print(f"  The API: {stack.url}", soft_wrap=True)


def _tell_story(console: Console, watch: Stopwatch, stack: Stack) -> None:
    from local.client import Client
    from local.demo import story
    from local.demo.telling import day_name, history_table, milliseconds
    from local.school_day import open_school_day

    with (
        Client(stack.base, stack.token("office")) as office,
        Client(stack.base, stack.token("admin")) as admin,
    ):
        with watch.step("Read the rosters"):
            day = open_school_day(admin)
            crowd = story.gather(office, day)
        many = len(crowd.students)
        console.print(f"\n[bold]One request marks {many:,} students[/bold] of {crowd.name} for {day_name(day)}")
        marked = story.mark(office, day, crowd)
        console.print(f"  202 Accepted after {milliseconds(marked.seconds)}: job {marked.job_id}")
        watch.note(f"POST /mark of {many:,} students, until it is accepted", marked.seconds)
        watch.note(f"POST /mark of {many:,} students, until all are marked", _follow(console, marked))

        child = crowd.students[0]
        name = f"{child['given_name']} {child['family_name']}"
        console.print(f"\n[bold]A correction[/bold]: {name} was marked ABSENT and is now EXCUSED")
        corrected = story.correct(admin, day, crowd)
        watch.note("A correction, until it is marked", _follow(console, corrected))

        with watch.step("Read the history"):
            item = story.history(office, day, child["id"])
            names = story.staff_names(office)
        console.print()
        console.print(history_table(f"The history of {name}, {day_name(day)}", item, names))


def _follow(console: Console, request: Request) -> float:
    """Draw the job's progress; return the seconds from the request to its end."""
    from local.demo import story
    from local.demo.telling import milliseconds, progress_bar, result_line

    job: dict[str, Any] = {}
    with progress_bar(console) as bar:
        task = bar.add_task("waiting", total=None, way="")
        for job in story.follow(request, lambda way: bar.update(task, way=f"by {way}")):
            progress = job["progress"]
            bar.update(task, description=job["state"], completed=progress["processed"], total=progress["total"])
    seconds = time.perf_counter() - request.sent_at
    console.print(f"  Done after {milliseconds(seconds)}: {result_line(job['result'])}")
    return seconds
