"""Valkey or Redis, embedded."""

from __future__ import annotations

import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from .binaries import find_redis
from .server import EmbeddedServer
from .unprivileged import reachable


class EmbeddedRedis(EmbeddedServer):
    """A Redis that never evicts; without `appendonly` it is empty after every start.

    With `appendonly` a write is in the operating system's hands before its reply, so it outlives a SIGKILL.
    """

    name: ClassVar[str] = "Redis"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, folder: Path | None = None, port: int | None = None, *, appendonly: bool = False) -> None:
        program = find_redis()
        super().__init__(folder, port)
        self.appendonly = appendonly
        self._program = reachable(program, self.user)
        self.data = self.folder / "redis"

    @property
    def socket(self) -> Path:
        """The unix socket."""
        return self.sockets / "redis.sock"

    def url(self, database: int = 0) -> str:
        """For `redis.Redis.from_url`, through the unix socket; databases are 0 to 63."""
        return f"unix://{quote(str(self.socket))}?db={database}"

    def tcp_url(self, database: int = 0) -> str:
        """For `redis.Redis.from_url`, over TCP."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def _prepare(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.user.own(self.data)

    def _command(self) -> Sequence[str | Path]:
        settings: dict[str, str | Path] = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "unixsocket": self.socket,
            "unixsocketperm": "700",
            "dir": self.data,
            "save": "",
            "appendonly": "yes" if self.appendonly else "no",
            "maxmemory-policy": "noeviction",
            "databases": "64",
        }
        return [self._program, *(part for name, value in settings.items() for part in (f"--{name}", value))]

    def _answers(self) -> bool:
        """Redis says -LOADING while it reads its data, and +PONG from then on."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
