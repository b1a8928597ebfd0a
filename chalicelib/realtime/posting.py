"""Posts messages to connections through API Gateway's management API, several at once, and never for long."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

THREADS = 8
_TIMEOUT_S = 1.0
_REST_S = 5.0

log = logging.getLogger(__name__)

Message = tuple[str, str]
"""A connection's id and the text for it."""


@dataclass(frozen=True, slots=True)
class Posted:
    """Which connections did not get their message: those that are gone for good, and those that failed this time."""

    gone: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()


class Poster(Protocol):
    """Sends messages; what goes wrong is told in the answer, never raised."""

    def post(self, messages: Sequence[Message]) -> Posted:
        """Send all, in no particular order."""
        ...


class NoPoster:
    """Where no endpoint is set."""

    def post(self, messages: Sequence[Message]) -> Posted:
        """Reaches nobody."""
        return Posted(failed=frozenset(connection for connection, _ in messages))


class ApiGatewayPoster:
    """Posts to `endpoint`/@connections/…; after an outage it rests a few seconds, so that no drain waits for it."""

    def __init__(self, endpoint: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._endpoint, self._clock = endpoint, clock
        self._rests_until = 0.0

    def post(self, messages: Sequence[Message]) -> Posted:
        """Send all, `THREADS` at once."""
        if not messages:
            return Posted()
        if len(messages) == 1:
            outcomes = [self._one(messages[0])]
        else:
            with ThreadPoolExecutor(min(THREADS, len(messages)), thread_name_prefix="post") as threads:
                outcomes = list(threads.map(self._one, messages))
        told = [(connection, outcome) for (connection, _), outcome in zip(messages, outcomes, strict=True)]
        return Posted(
            gone=frozenset(connection for connection, outcome in told if outcome == "gone"),
            failed=frozenset(connection for connection, outcome in told if outcome == "failed"),
        )

    def _one(self, message: Message) -> str:
        connection, text = message
        if self._clock() < self._rests_until:
            return "failed"
        try:
            self._client.post_to_connection(ConnectionId=connection, Data=text.encode())
        except Exception as error:  # noqa: BLE001  a client out of reach must not end a drain, whatever the reason
            code = getattr(error, "response", {}).get("Error", {}).get("Code")
            if code == "GoneException":
                return "gone"
            log.warning("a live message was not delivered: %s", error)
            if code is None:  # no answer at all: the endpoint is away, not this connection
                self._rests_until = self._clock() + _REST_S
            return "failed"
        return "sent"

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=_TIMEOUT_S,
            read_timeout=_TIMEOUT_S,
            retries={"total_max_attempts": 2, "mode": "standard"},
            max_pool_connections=THREADS,
        )
        return boto3.client("apigatewaymanagementapi", endpoint_url=self._endpoint, config=config)
