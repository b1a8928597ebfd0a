"""The package of this machine's architecture, made once a run, and an AWS for a module's tests."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.packaging import Package, build, this_machine
from tests.aws.emulator import EmulatedAws

HERE = this_machine()


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


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    """An AWS on which nothing stands yet."""
    with EmulatedAws() as emulated:
        yield emulated
