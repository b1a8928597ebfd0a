"""`import`: a OneRoster bundle into a tenant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from local.cli.ending import plain_errors

if TYPE_CHECKING:
    from rich.table import Table

    from chalicelib.services.roster_import import ImportReport, RowProblem

_SHOWN = 50


def import_(
    path: Annotated[Path, typer.Argument(help="A OneRoster 1.2 folder or zip.")],
    tenant: Annotated[str, typer.Option(help="The tenant's name: a-z, 0-9 and -. It is made if it is new.")],
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing if any row is bad.")] = False,
    timezone: Annotated[str, typer.Option(help="The zone of a new tenant, such as Europe/London.")] = "UTC",
    port: Annotated[int | None, typer.Option(help="Into which dev, if several run.")] = None,
) -> None:
    """Import a roster into the running dev, or into DATABASE_URL and REDIS_URL."""
    from chalicelib.services.roster_import import ImportRefused
    from local.bearers import find_bearers
    from local.cli.target import open_target
    from local.demo.telling import make_console
    from local.folder import local_folder
    from local.rosters import import_roster

    with plain_errors(), open_target(port) as (container, running):
        try:
            report = import_roster(container, path, tenant, strict=strict, timezone=timezone)
        except ImportRefused as refusal:
            typer.echo(f"Nothing was imported: {refusal}", err=True)
            tell_problems("Bad rows", refusal.problems, err=True)
            raise typer.Exit(1) from None
        if running is not None:
            running.with_tenant(tenant, find_bearers(container.database, report.tenant_id)).save(local_folder())
        make_console().print(_table(tenant, report))
        tell_problems("Bad rows, left out", report.problems, err=True)
        tell_problems("Warnings", report.warnings, err=True)


def tell_problems(title: str, problems: Sequence[RowProblem], *, err: bool) -> None:
    """A line for each of the first fifty rows, and how many more there are."""
    if not problems:
        return
    typer.echo(f"{title}: {len(problems):,}", err=err)
    for problem in problems[:_SHOWN]:
        typer.echo(f"  {problem}", err=err)
    if len(problems) > _SHOWN:
        typer.echo(f"  … and {len(problems) - _SHOWN:,} more", err=err)


def _table(tenant: str, report: ImportReport) -> Table:
    from rich.table import Table

    changed = "" if report.changed else "nothing has changed, "
    table = Table(title=f"{tenant}: {changed}{report.seconds:.1f} s", title_justify="left")
    table.add_column("Table")
    for heading in ("Created", "Updated", "Closed", "Unchanged"):
        table.add_column(heading, justify="right")
    for name, counts in report.counts.items():
        numbers = (counts.created, counts.updated, counts.closed, counts.unchanged)
        table.add_row(name, *(f"{number:,}" for number in numbers))
    return table
