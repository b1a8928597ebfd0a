"""Runs Chalice's command line in a project."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from local.packaging.build import CHALICE

from .ground import Ground
from .steps import DeployFault

_REUSED = "Reusing existing deployment package."


def chalice(command: str, folder: Path, ground: Ground) -> str:
    """Run `chalice deploy` or `chalice delete` for the stage; what it said. Raises DeployFault with the end of that."""
    ran = subprocess.run(
        [*CHALICE, "--project-dir", str(folder), command, "--stage", ground.stage],
        cwd=folder,
        # It imports the app, and would put what Python compiles then into the package.
        env=os.environ | {"AWS_DEFAULT_REGION": ground.region, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = ran.stdout + ran.stderr
    if ran.returncode:
        raise DeployFault(f"chalice {command} failed:\n{said[-3000:].strip()}")
    if command == "deploy" and _REUSED not in said:
        raise DeployFault("Chalice has made another package than the one that was checked.")
    return said
