"""What a running stack tells the commands beside it: `stack-<port>.json` in the local folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from local.folder import write_whole
from local.servers.supervised import is_alive


@dataclass(frozen=True, slots=True)
class RunningStack:
    """Where a stack is and whom it knows: `tenants` gives the `sub` of each role, by the tenant's name."""

    port: int
    url: str
    database_url: str
    redis_url: str
    tenants: Mapping[str, Mapping[str, str]]
    pid: int
    started: float

    def with_tenant(self, name: str, subjects: Mapping[str, str]) -> RunningStack:
        """The same stack with one tenant more, or anew."""
        fields = asdict(self)
        return RunningStack(**{**fields, "tenants": {**self.tenants, name: dict(subjects)}})

    def save(self, folder: Path) -> None:
        """Write the file, or replace it."""
        write_whole(_file(folder, self.port), json.dumps(asdict(self), indent=2) + "\n")

    @property
    def alive(self) -> bool:
        """Whether its process still runs; a stack that was killed leaves its file behind."""
        try:
            process = psutil.Process(self.pid)
            return is_alive(process) and abs(process.create_time() - self.started) < 1
        except psutil.NoSuchProcess:
            return False


@contextmanager
def published(folder: Path, stack: RunningStack) -> Iterator[None]:
    """Tell of `stack`, which runs in this process, while the `with` block runs."""
    stack.save(folder)
    try:
        yield
    finally:
        _file(folder, stack.port).unlink(missing_ok=True)


def of_this_process(
    port: int, url: str, database_url: str, redis_url: str, tenants: Mapping[str, Mapping[str, str]]
) -> RunningStack:
    """The description of a stack that this process runs."""
    started = psutil.Process().create_time()
    return RunningStack(port, url, database_url, redis_url, tenants, os.getpid(), started)


def find_running(folder: Path, port: int | None = None) -> RunningStack | None:
    """The stack on `port`, or the one that was started last; None if there is none."""
    running = [stack for stack in map(_read, folder.glob("stack-*.json")) if stack is not None and stack.alive]
    wanted = [stack for stack in running if port in {None, stack.port}]
    return max(wanted, key=lambda stack: stack.started, default=None)


def _file(folder: Path, port: int) -> Path:
    return folder / f"stack-{port}.json"


def _read(path: Path) -> RunningStack | None:
    try:
        return RunningStack(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # gone in the meantime, or written by another version
        return None
