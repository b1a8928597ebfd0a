"""`deploy`, `rollback`, `undeploy`: a stage on AWS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from local.cli.ending import fail
from local.cli.package import Arch

if TYPE_CHECKING:
    from local.packaging import Architecture, Package

_Stage = Annotated[str, typer.Option(help="A stage of .chalice/config.json.")]
_Outputs = Annotated[Path | None, typer.Option(help="A file of `terraform output -json` (default: ask terraform).")]
_Arch = Annotated[Arch | None, typer.Option(help="Another machine than .chalice/config.json says.")]
_Package = Annotated[Path | None, typer.Option(help="The folder of a package of that code (default: make one).")]


def deploy(stage: _Stage = "dev", outputs: _Outputs = None, arch: _Arch = None, package: _Package = None) -> None:
    """Deploy the app by Chalice onto the ground of infra/terraform, migrate, and see whether it answers."""
    from local import deploy as aws

    with _plain_faults():
        ground = aws.read_ground(stage, outputs)
        aws.deploy(ground, typer.echo, architecture=_machine(arch), package=_made(package))


def rollback(
    stage: _Stage = "dev",
    outputs: _Outputs = None,
    arch: _Arch = None,
    to: Annotated[str | None, typer.Option(help="A commit (default: the one that was deployed before).")] = None,
    package: _Package = None,
) -> None:
    """Deploy the code that was deployed before; the schema stays as it is."""
    from local import deploy as aws

    with _plain_faults():
        ground = aws.read_ground(stage, outputs)
        aws.rollback(ground, typer.echo, to=to, architecture=_machine(arch), package=_made(package))


def undeploy(
    stage: _Stage = "dev",
    outputs: _Outputs = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete the functions, APIs and schedules of a stage; the ground of infra/terraform stays."""
    from local import deploy as aws

    with _plain_faults():
        ground = aws.read_ground(stage, outputs)
        if not yes:
            typer.confirm(f"Delete the functions and APIs of {ground.name} in {ground.region}?", abort=True)
        aws.undeploy(ground, typer.echo)


@contextmanager
def _plain_faults() -> Iterator[None]:
    from local.deploy import DeployFault

    try:
        yield
    except DeployFault as fault:
        fail(str(fault))


def _machine(arch: Arch | None) -> Architecture | None:
    return arch.value if arch is not None else None


def _made(folder: Path | None) -> Package | None:
    from local.packaging import Package

    return Package(folder) if folder is not None else None
