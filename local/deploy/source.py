"""Which code is deployed: the commit of a checkout, and the files of an earlier one."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

from .steps import DeployFault

_DEPLOYED = (".chalice", "app.py", "chalicelib", "requirements.txt")
CHANGED = "-changed"
"""What stands after a commit when the files were not quite those of it."""


def commit_of(checkout: Path) -> str:
    """The commit, with CHANGED if files that are deployed differ from it; `unknown` outside of Git."""
    head = _git(checkout, "rev-parse", "--short=12", "HEAD")
    if head is None:
        return "unknown"
    return head.decode().strip() + (CHANGED if _git(checkout, "status", "--porcelain", "--", *_DEPLOYED) else "")


def extract(checkout: Path, commit: str, folder: Path) -> None:
    """Put what is deployed of `commit` into the new `folder`. Raises DeployFault if no commit holds it."""
    if commit.endswith(CHANGED) or commit == "unknown":
        raise DeployFault(f"What was deployed as {commit!r} is in no commit. Name one: TO=...")
    archive = _git(checkout, "archive", "--format=tar", commit, "--", *_DEPLOYED)
    if archive is None:
        raise DeployFault(f"This checkout does not have the commit {commit}: git fetch?")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def _git(checkout: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(["git", "-C", str(checkout), *arguments], capture_output=True, check=False)  # noqa: S607
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
