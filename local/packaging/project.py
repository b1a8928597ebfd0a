"""A copy of the project with nothing in it but what belongs into the package."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from local.folder import ROOT

from .contents import PackageFault
from .package import Architecture

_UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


def copy_project(target: Path, stage: str, architecture: Architecture | None, source: Path = ROOT) -> None:
    """Copy what Chalice reads from the checkout `source` to the new folder `target`.

    Chalice would take everything that lies below chalicelib/, caches and editors' leavings included, and it takes the
    architecture from config.json only: `architecture`, if there is one, is written there, over that of any stage.
    Raises PackageFault for a `stage` that is not there: Chalice would make one up.
    """
    (target / ".chalice").mkdir(parents=True)
    for name in ("app.py", "requirements.txt"):
        shutil.copy(source / name, target)
    shutil.copytree(source / "chalicelib", target / "chalicelib", ignore=_UNWANTED)
    for settings in (source / ".chalice").glob("*.json"):
        shutil.copy(settings, target / ".chalice")
    path = target / ".chalice" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    if stage not in config["stages"]:
        raise PackageFault(f"There is no stage {stage!r} in .chalice/config.json.")
    if architecture is not None:
        for one in config["stages"].values():
            one.pop("lambda_architecture", None)
        path.write_text(json.dumps(config | {"lambda_architecture": architecture}), encoding="utf-8")
