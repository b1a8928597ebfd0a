"""Run `chalice package` for a stage, finish its zip, and refuse one that would not run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from local.folder import ROOT

from .contents import PackageFault, check
from .finish import finish
from .package import Architecture, Package
from .project import copy_project

CHALICE = [sys.executable, "-c", "from chalice.cli import main; main()"]
"""Chalice's command line, in the Python that runs this."""


def build(stage: str, target: Path, *, architecture: Architecture | None = None, source: Path = ROOT) -> Package:
    """Make the package of `stage` in the folder `target`, which takes the place of one that is there.

    Its code is that of the checkout `source`.

    The Python that runs this is the one whose runtime the functions get. Without an `architecture`, it is the one in
    .chalice/config.json. Raises PackageFault.
    """
    with tempfile.TemporaryDirectory(prefix="rollcall-package-") as scratch:
        project, made = Path(scratch, "project"), Package(Path(scratch, "made"))
        copy_project(project, stage, architecture, source)
        _run_chalice(project, stage, made)
        finish(made.zip)
        # Chalice only remarks on a dependency for which it found no wheel, and leaves it out.
        check(made, source / "requirements.txt")
        target.mkdir(parents=True, exist_ok=True)
        for path in (made.zip, made.description):
            (target / path.name).write_bytes(path.read_bytes())
    return Package(target)


def _run_chalice(project: Path, stage: str, made: Package) -> None:
    command = [*CHALICE, "--project-dir", str(project), "package", "--stage", stage]
    # A region must be named, and is not used: Terraform's own stands in the description.
    environment = {"AWS_DEFAULT_REGION": "us-east-1"} | os.environ
    ran = subprocess.run(
        [*command, "--pkg-format", "terraform", str(made.folder)],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode or not made.zip.exists():
        raise PackageFault(f"chalice package failed:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
