"""`jobs`: what an operator does with jobs and the queue, of a running dev or of servers that the environment names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from chalicelib.domain.job_state import JobState
from local.cli.ending import fail, plain_errors

if TYPE_CHECKING:
    from rich.table import Table

    from local.operating import Found, Operator

app = typer.Typer(help="Look at jobs and at the queue, cancel, retry, pause, resume.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(help="The job's id.")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="The tenant's name, or its id.")]
All = Annotated[bool, typer.Option("--all", help="All tenants.")]
State = Annotated[JobState | None, typer.Option("--state", help="Only jobs in this state.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="So many jobs at most.")]
Port = Annotated[int | None, typer.Option("--port", help="Of which dev, if several run.")]


@app.command("list")
def list_(tenant: Tenant = None, every: All = False, state: State = None, limit: Limit = 20, port: Port = None) -> None:
    """List jobs, newest first, also those that only the ledger has; by default of all tenants with jobs at hand."""
    _not_both(tenant, every)
    with _operating(port) as operator:
        _tell_jobs(operator, operator.jobs(tenant, state, limit), limit)


@app.command()
def dead(tenant: Tenant = None, every: All = False, limit: Limit = 20, port: Port = None) -> None:
    """List dead jobs that can be retried still, newest first."""
    _not_both(tenant, every)
    with _operating(port) as operator:
        _tell_jobs(operator, operator.dead(tenant, limit), limit)


@app.command()
def show(job_id: JobId, tenant: Tenant = None, port: Port = None) -> None:
    """Tell all that is known of a job; with --tenant also of one that Redis has forgotten."""
    from local.cli.job_tables import job_table

    with _operating(port) as operator:
        whose, job = operator.find(_id(job_id), tenant)
        _print(job_table(operator.names([whose]).get(whose, whose), job))


@app.command()
def cancel(job_id: JobId, port: Port = None) -> None:
    """Cancel a job that no consumer has begun."""
    with _operating(port) as operator:
        typer.echo(f"The job is {operator.cancel(_id(job_id)).state}.")


@app.command()
def retry(
    job_id: Annotated[str | None, typer.Argument(help="A dead job's id.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All dead jobs of the tenant instead.")] = False,
    tenant: Tenant = None,
    port: Port = None,
) -> None:
    """Send a dead job again with fresh attempts, or all dead jobs of a tenant."""
    if every == (job_id is not None) or every != (tenant is not None):
        fail("give the id of a job, or --all with --tenant NAME.", 2)
    with _operating(port) as operator:
        if job_id is not None:
            typer.echo(f"The job is {operator.retry(_id(job_id)).state}.")
        elif tenant is not None:
            typer.echo(f"Sent again: {operator.retry_all(tenant):,}")


@app.command()
def pause(tenant: Tenant = None, every: All = False, port: Port = None) -> None:
    """Let the jobs of a tenant, or of all, wait until the resume; they are accepted as ever."""
    _either(tenant, every)
    with _operating(port) as operator:
        operator.pause(tenant)
        _tell_figures(operator, tenant)


@app.command()
def resume(tenant: Tenant = None, every: All = False, port: Port = None) -> None:
    """Work again on the jobs of a tenant, or of all but those who are paused by name."""
    _either(tenant, every)
    with _operating(port) as operator:
        operator.resume(tenant)
        _tell_figures(operator, tenant)


@app.command()
def figures(tenant: Tenant = None, every: All = False, port: Port = None) -> None:
    """Tell how many jobs are in which state, how long the oldest has waited, who is paused, and how the drain does."""
    _not_both(tenant, every)
    with _operating(port) as operator:
        _tell_figures(operator, tenant)


@app.command()
def shards(port: Port = None) -> None:
    """Tell how many jobs are in which shard, and how many tenants have jobs where their new ones do not go."""
    from local.cli.job_tables import shards_table

    with _operating(port) as operator:
        _print(shards_table(operator.shards()))


@contextmanager
def _operating(port: int | None) -> Iterator[Operator]:
    from local.cli.target import open_target
    from local.operating import Operator

    with plain_errors(), open_target(port) as (container, _):
        yield Operator(container)


def _tell_jobs(operator: Operator, found: Found, limit: int) -> None:
    from local.cli.job_tables import jobs_table

    if not found:
        typer.echo("There are none.")
        return
    names = operator.names({tenant for tenant, _ in found})
    _print(jobs_table([(names.get(tenant, tenant), job) for tenant, job in found[:limit]]))
    if len(found) > limit:
        typer.echo("There are more: see --limit.")


def _tell_figures(operator: Operator, tenant: str | None) -> None:
    from local.cli.job_tables import figures_table, health_lines

    loads = operator.loads(tenant)
    _print(figures_table(loads, operator.names(loads)))
    for line in health_lines(operator.view(tenant)):
        typer.echo(line)


def _print(table: Table) -> None:
    from local.demo.telling import make_console

    console = make_console()
    # A line stays one line, for grep and awk; a narrow terminal breaks it by itself.
    console.width = max(console.width, console.measure(table, options=console.options.update_width(1_000)).maximum)
    console.print(table)


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        fail(f"{text!r} is no job's id.", 2)


def _not_both(tenant: str | None, every: bool) -> None:
    if tenant is not None and every:
        fail("give --tenant NAME or --all, not both.", 2)


def _either(tenant: str | None, every: bool) -> None:
    if (tenant is not None) == every:
        fail("give --tenant NAME or --all.", 2)
