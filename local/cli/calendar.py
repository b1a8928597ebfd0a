"""`calendar`: school days and holidays of a tenant, from a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from local.cli.ending import plain_errors


def calendar(
    path: Annotated[
        Path, typer.Argument(help="CSV: date,is_school_day,title; school_source_id where it is one school's.")
    ],
    tenant: Annotated[str, typer.Option(help="The tenant's name.")],
    port: Annotated[int | None, typer.Option(help="Into which dev, if several run.")] = None,
) -> None:
    """Set dates that differ from the weekdays of the settings. All rows are taken, or none."""
    from chalicelib.services.calendar import CalendarImporter
    from chalicelib.services.roster_import import ImportRefused
    from local.cli.importing import tell_problems
    from local.cli.target import open_target

    with plain_errors(), open_target(port) as (container, _):
        try:
            report = CalendarImporter(container.database, container.rosters).run(path, tenant=tenant)
        except ImportRefused as refusal:
            typer.echo(f"Nothing was imported: {refusal}", err=True)
            tell_problems("Bad rows", refusal.problems, err=True)
            raise typer.Exit(1) from None
        typer.echo(f"{tenant}: {report.created} days created, {report.updated} updated, {report.unchanged} unchanged")
