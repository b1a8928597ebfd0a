"""One whole stack for the tests of a run, and the commands of the local stack as processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from local.folder import FOLDER_VARIABLE, ROOT
from local.servers.supervised import is_alive
from local.stack import Stack

Command = Callable[..., "subprocess.Popen[str]"]

LONG_S = 120.0
"""When a test gives up: no promise, and far beyond what anything takes on a machine that has much else to do."""


@pytest.fixture(scope="session")
def local_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The folder of keys and running stacks, apart from the checkout's own."""
    folder = str(tmp_path_factory.mktemp("local"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, folder)
        yield folder


@pytest.fixture(scope="session")
def stack(local_dir: str) -> Iterator[Stack]:
    """Postgres, Redis, the API over HTTP, a consumer process, and the tenants demo and other."""
    with Stack() as running:
        yield running


@pytest.fixture
def command(local_dir: str) -> Iterator[Command]:
    """Starts `python -m local …`, without servers of one's own unless the environment given names them."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        unset = {"DATABASE_URL", "REDIS_URL"}
        process = subprocess.Popen(
            [sys.executable, "-m", "local", *arguments],
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if k not in unset} | {"COLUMNS": "90", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate()


def consumers_below(pid: int) -> list[psutil.Process]:
    """The consumers among the processes that `pid` has started and that live."""
    return [one for one in psutil.Process(pid).children(recursive=True) if is_alive(one) and _is_consumer(one)]


def _is_consumer(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[1:] == ["-m", "local", "consumer"]
    except psutil.NoSuchProcess:
        return False
