"""Wake the drain after a push: by an asynchronous invocation on AWS; on a laptop the consumer hears the list itself."""

from __future__ import annotations

import json
import logging
from functools import cached_property
from typing import Any, Protocol

log = logging.getLogger(__name__)


class Doorbell(Protocol):
    """Wakes a consumer."""

    def ring(self, shard: int) -> None:
        """Ask for a drain of a shard soon. A bell that is not heard costs only time: the schedule comes anyway."""
        ...


class SilentDoorbell:
    """For consumers that block on the list and need no bell."""

    def ring(self, shard: int) -> None:
        """Nobody to wake."""


class LambdaDoorbell:
    """Invokes the drain function, and does not wait for it."""

    def __init__(self, function: str) -> None:
        self._function = function

    def ring(self, shard: int) -> None:
        """Ask for a drain. A bell that fails is only logged: the job is on the list and the schedule will drain it."""
        payload = json.dumps({"shard": shard}).encode()
        try:
            self._client.invoke(FunctionName=self._function, InvocationType="Event", Payload=payload)
        except Exception:  # whatever it was, the request has been accepted
            log.warning("the drain could not be rung", exc_info=True)

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client("lambda", config=Config(connect_timeout=1, read_timeout=2, retries={"max_attempts": 0}))
