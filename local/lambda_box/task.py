"""The folders that a function finds on Lambda: its own code, and the runtime that AWS puts beside it."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement

PROVIDED = ("awslambdaric", "boto3")
"""What AWS's Python runtime has, with all that they need; nothing else of ours may help the zip along."""


def unpack(zip_path: Path, folder: Path, beside: Mapping[str, str] | None = None) -> Path:
    """Unpack a zip into the new folder `folder`, where nobody may write afterwards.

    `beside` are files by name that are not in the zip: handlers by which a test looks at a process from within.
    """
    folder.mkdir(parents=True)
    with zipfile.ZipFile(zip_path) as zipped:
        zipped.extractall(folder)
    for name, text in (beside or {}).items():
        if (folder / name).exists():
            raise FileExistsError(f"{name} is in the zip")
        (folder / name).write_text(text, encoding="utf-8")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


def remove(folder: Path) -> None:
    """Remove what `unpack` made."""
    for path in [folder, *(one for one in folder.rglob("*") if one.is_dir())]:
        path.chmod(0o755)
    shutil.rmtree(folder)


def lay_out_runtime(folder: Path) -> Path:
    """Put PROVIDED into the new folder `folder`, out of this environment."""
    folder.mkdir(parents=True)
    for found in _closure(PROVIDED).values():
        for file in found.files or ():
            path = PurePosixPath(file)
            if ".." in path.parts or path.suffix == ".pyc":
                continue  # scripts, and what another Python may have left
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(Path(str(found.locate_file(file))), target)
    return folder


def _closure(names: tuple[str, ...]) -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = distribution(name)
        needs = map(Requirement, found[name].requires or ())
        waiting += [one.name for one in needs if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def _link(source: Path, target: Path) -> None:
    """boto3's data has 20 MB: a second name for the same file is enough, where both lie on one disk."""
    if not source.exists():
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
