"""The package of this machine's architecture, made once a run."""

from __future__ import annotations

import fcntl
import platform
from pathlib import Path

import pytest

from local.packaging import Architecture, Package, build

HERE: Architecture = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Package:
    """The stage dev, as `make package` makes it; whichever worker needs it first makes it for all."""
    base = tmp_path_factory.getbasetemp()
    shared: Path = base if worker_id == "master" else base.parent
    with (shared / "package.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = Package(shared / "package")
        if not made.zip.exists():
            build("dev", made.folder, architecture=HERE)
        return made
