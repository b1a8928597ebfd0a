"""The package of this machine's architecture, made once a run; emulated AWSes, and an empty database."""

from __future__ import annotations

import fcntl
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws
from sqlalchemy import text

from chalicelib.db.engine import make_engine
from local.folder import ROOT, local_folder
from local.packaging import Package, build, this_machine
from local.servers import EmbeddedPostgres, LocalStack, ServerError
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


@pytest.fixture(scope="session")
def localstack() -> Iterator[str]:
    """The URL of a LocalStack; it wants a Python of its own, and where that is not to be had, nothing is proven."""
    try:
        server = LocalStack(local_folder())
    except ServerError as error:
        pytest.skip(str(error))
    with server:
        yield server.url


@pytest.fixture(params=["moto", "localstack"])
def aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What boto3 speaks to by default: each of the two emulators in turn, so that a promise holds on both."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    if request.param == "localstack":
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("localstack"))
        yield
    else:
        with mock_aws():
            yield


@pytest.fixture(scope="module")
def emulated() -> Iterator[EmulatedAws]:
    """An AWS in a process of its own, to deploy to; nothing stands on it yet."""
    with EmulatedAws() as aws:
        yield aws


@pytest.fixture(scope="module")
def empty_database(postgres: EmbeddedPostgres) -> str:
    """The name of an empty database."""
    name = f"deployed_{secrets.token_hex(4)}"
    engine = make_engine(postgres.url("postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"create database {name}"))
    engine.dispose()
    return name


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
