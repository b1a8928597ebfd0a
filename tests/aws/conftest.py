"""The package of this machine's architecture, made once a run, and an AWS for a module's tests."""

from __future__ import annotations

import fcntl
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.folder import ROOT
from local.packaging import Package, build, this_machine
from local.servers.supervised import Supervised
from local.servers.unprivileged import ServerUser
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


@pytest.fixture(scope="session", autouse=True)
def stages_meanwhile(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator[None]:
    """Begin with the stages of test_everything.py at the first test here: they take minutes, mostly of waiting."""
    result = stages_file(tmp_path_factory, worker_id)
    if not any("stages" in getattr(item, "fixturenames", ()) for item in request.session.items):
        yield
        return
    package: Package = request.getfixturevalue("package")
    try:
        result.with_suffix(".begun").touch(exist_ok=False)
    except FileExistsError:  # another worker's
        yield
        return
    process = Supervised(
        [sys.executable, "-m", "tests.aws.whole_stage", str(package.folder), str(result)],
        stop_signal=signal.SIGTERM, log=result.with_suffix(".log"), user=ServerUser("", {}),
        environment={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    yield
    # Another worker may wait for it still, if nobody has stopped the run.
    while process.running and request.session.exitstatus != pytest.ExitCode.INTERRUPTED:
        time.sleep(0.2)
    process.stop()


def stages_file(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Where the outcome is going to be, for all workers."""
    base = tmp_path_factory.getbasetemp()
    shared: Path = base if worker_id == "master" else base.parent
    return shared / "stages.json"
