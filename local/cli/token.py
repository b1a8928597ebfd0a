"""`token`: a bearer token, and nothing else, on standard output."""

from __future__ import annotations

from typing import Annotated

import typer

from local.cli.ending import fail


def token(
    role: Annotated[str, typer.Option(help="admin, office, service, teacher, staff or guardian.")] = "teacher",
    tenant: Annotated[str, typer.Option(help="The tenant's name.")] = "demo",
    port: Annotated[int | None, typer.Option(help="Of which dev, if several run.")] = None,
) -> None:
    """Print a token that a running dev accepts, or one that is going to be started."""
    from local.demo_school.plan import BEARERS, SCHOOLS
    from local.folder import local_folder, signing_key
    from local.running import find_running
    from local.tokens import issue

    folder = local_folder()
    running = find_running(folder, port)
    tenants = running.tenants if running is not None else dict.fromkeys(SCHOOLS, BEARERS)
    if tenant not in tenants:
        fail(f"there is no tenant {tenant!r}; there are {', '.join(sorted(tenants))}.", 2)
    if role not in tenants[tenant]:
        fail(f"there is no role {role!r}; there are {', '.join(tenants[tenant])}.", 2)
    typer.echo(issue(signing_key(folder), role=role, tenant=tenant, subject=tenants[tenant][role]))
