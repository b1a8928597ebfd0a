"""The package of this machine's architecture, made once a run; an AWS and a database for a module's tests."""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from chalicelib.db.engine import make_engine
from local.packaging import Package, build, this_machine
from local.servers import EmbeddedPostgres
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


@pytest.fixture(scope="module")
def empty_database(postgres: EmbeddedPostgres) -> str:
    """The name of an empty database."""
    name = f"deployed_{secrets.token_hex(4)}"
    engine = make_engine(postgres.url("postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"create database {name}"))
    engine.dispose()
    return name
