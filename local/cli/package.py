"""`package`: the zip of a stage and the Terraform that deploys it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from local.cli.ending import fail


class Arch(StrEnum):
    """The machines that Lambda has."""

    arm64 = "arm64"
    x86_64 = "x86_64"


def package(
    stage: Annotated[str, typer.Option(help="A stage of .chalice/config.json.")] = "dev",
    arch: Annotated[Arch | None, typer.Option(help="Another machine than .chalice/config.json says.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder to fill (default: dist/STAGE).")] = None,
    terraform: Annotated[bool, typer.Option(help="Also the folder whose `terraform apply` makes all of it.")] = False,
) -> None:
    """Make the package of a stage."""
    from local.folder import ROOT
    from local.packaging import PackageFault, build, lay_out

    target = out or ROOT / "dist" / stage
    try:
        made = build(stage, target, architecture=arch.value if arch is not None else None)
    except PackageFault as fault:
        fail(str(fault))
    some = next(iter(made.functions.values()))
    size = made.zip.stat().st_size / 1e6
    typer.echo(f"{made.zip}: {size:.1f} MB, {len(made.functions)} functions, {some.runtime}, {some.architecture}")
    if terraform:
        root = target / "terraform"
        lay_out(made, root)
        typer.echo(f"{root}: apply it with the backend and the variables of {stage}")
