"""The daemon of X-Ray, as far as a function meets it: a UDP port that takes segments."""

from __future__ import annotations

import json
import socket
from typing import Any, Self


class Daemon:
    """Listens on a free port of the loopback interface until `close`, or the end of its `with` block."""

    def __init__(self) -> None:
        self._door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._door.bind(("127.0.0.1", 0))
        self._door.settimeout(0.05)
        self.address: tuple[str, int] = self._door.getsockname()

    def heard(self) -> list[dict[str, Any]]:
        """The segments that came since it was asked last."""
        found = []
        try:
            while True:
                head, _, body = self._door.recv(65_536).partition(b"\n")
                assert json.loads(head) == {"format": "json", "version": 1}
                found.append(json.loads(body))
        except TimeoutError:
            return found

    def close(self) -> None:
        """Let go of the port."""
        self._door.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
