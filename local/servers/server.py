"""The life of an embedded server: start, stop, kill, restart with the same data at the same address."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

from .supervised import Supervised
from .unprivileged import ServerError, ServerUser

_LONGEST_SOCKET_FOLDER = 80  # bytes; a unix socket's whole path must stay under 104 (macOS) or 108 (Linux)


class EmbeddedServer(ABC):
    """A server on the loopback interface and a unix socket; it ends when this process does, however that is.

    `folder` keeps the data; without it they live in a temporary folder that `close()` removes. `port` is the
    TCP port, a free one if None. As a context manager, it starts on entry and closes on exit.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    start_timeout: ClassVar[float] = 60.0
    """Seconds; recovery after a crash is part of a start."""

    def __init__(self, folder: Path | None = None, port: int | None = None) -> None:
        self.user = ServerUser.current()
        self.port = port or 0
        self._port_is_fixed = port is not None
        self._child: Supervised | None = None
        self._temporary: list[Path] = []
        self.folder = self._new_folder() if folder is None else folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.user.drop:
            self.folder.chmod(0o711)
        if not self.user.can_run(self.folder):
            self.close()
            raise ServerError(f"user {self.user.name}, who runs {self.name}, may not enter {self.folder}")
        self.sockets = self._new_folder()
        self.user.own(self.sockets)
        self.log = self.folder / f"{self.name.lower()}.log"

    def start(self) -> Self:
        """Start the server and wait until it answers. Raises ServerError with the end of its log."""
        if self.running:
            return self
        self._prepare()
        attempts = 1 if self._port_is_fixed else 5
        for attempt in range(attempts):
            if not self._port_is_fixed:
                self.port = free_port()
            started_at = self.log.stat().st_size if self.log.exists() else 0
            if self._launch():
                self._port_is_fixed = True  # a restart keeps the address
                return self
            report = self.log.read_bytes()[started_at:].decode(errors="replace")
            if "in use" not in report or attempt == attempts - 1:  # somebody may take a free port before us
                raise ServerError(f"{self.name} did not start:\n{report[-2000:]}")
        return self

    def stop(self) -> None:
        """End the server in good order. Data and address stay for `start()`."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """SIGKILL the server and its helpers. Data and address stay for `start()`."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def restart(self) -> None:
        """Stop the server if it runs, and start it with the same data at the same address."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the server and remove what was temporary."""
        self.stop()
        for folder in self._temporary:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def running(self) -> bool:
        """Whether the server's process is there."""
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int:
        """The process id of the server. Raises ServerError if it does not run."""
        if self._child is None:
            raise ServerError(f"{self.name} is not running")
        return self._child.pid

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *raised: object) -> None:
        self.close()

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data folder ready, before a start."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """The program and its arguments, for the port in `self.port`."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the process that was launched takes commands now."""

    def _environment(self) -> Mapping[str, str]:
        return {}

    def _launch(self) -> bool:
        self._child = Supervised(
            self._command(),
            stop_signal=self.stop_signal,
            log=self.log,
            user=self.user,
            environment=self._environment(),
        )
        deadline = time.monotonic() + self.start_timeout
        while self.running and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.01)
        self.stop()
        return False

    def _new_folder(self) -> Path:
        parent = tempfile.gettempdir()
        short = parent if len(parent) < _LONGEST_SOCKET_FOLDER else "/tmp"  # noqa: S108  mkdtemp makes it private
        folder = Path(tempfile.mkdtemp(prefix="rollcall-", dir=short))
        self._temporary.append(folder)
        return folder


def free_port() -> int:
    """A TCP port that nobody listens on now.

    It lies under the range from which systems take ports for outgoing connections, so that a server which is
    down for a moment finds its port free again.
    """
    while True:
        port = random.randint(15_000, 32_000)  # noqa: S311  no secret
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
