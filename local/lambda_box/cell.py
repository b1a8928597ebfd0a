"""One function in one process: started when first invoked, and anew after it was stopped, as Lambda does."""

from __future__ import annotations

import json
import signal
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.packaging.package import Function
from local.servers.supervised import Supervised
from local.servers.unprivileged import ServerUser

from .isolation import Isolation, environment
from .runtime_api import Invocation, RuntimeApi

MAX_EVENT = 6 * 1024 * 1024
INIT_S = 10.0
_ACCOUNT = "arn:aws:lambda:us-east-1:000000000000:function:"


class FunctionFailed(Exception):
    """The function raised, ended, took too long or answered too much; `payload` is what Lambda would return."""

    def __init__(self, name: str, payload: Mapping[str, Any], log: str) -> None:
        self.payload = payload
        self.error_type = str(payload.get("errorType", ""))
        super().__init__(f"{name}: {self.error_type}: {payload.get('errorMessage', '')}\n{log[-3000:]}")


class TooLargeEvent(ValueError):
    """Lambda refuses an event of more than 6 MiB before any function sees it."""


@dataclass(frozen=True, slots=True)
class Folders:
    """What a process is shown, and where its log goes."""

    task: Path
    runtime: Path
    logs: Path


class Cell:
    """One execution environment: one invocation at a time. `variables` come on top of the function's own."""

    def __init__(
        self, function: Function, folders: Folders, variables: Mapping[str, str], isolation: Isolation
    ) -> None:
        self._function, self._folders, self._isolation = function, folders, isolation
        self._variables = {**function.environment, **variables}
        self._api: RuntimeApi | None = None
        self._process: Supervised | None = None
        self._one_at_a_time = threading.Lock()
        self.starts = 0
        self.init_ms = 0.0
        """How long the last start took, from the launch of the process to its asking for an event."""

    @property
    def log(self) -> str:
        """All that the function printed."""
        path = self._folders.logs / f"{self._function.name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def invoke(self, event: Any) -> Any:
        """What the function returns for `event`. Raises FunctionFailed, TooLargeEvent."""
        payload = json.dumps(event).encode()
        if len(payload) > MAX_EVENT:
            raise TooLargeEvent(f"{len(payload):,} bytes")
        with self._one_at_a_time:
            api, process = self._warm()
            invocation = self._invocation(payload)
            api.hand_over(invocation)
            ends = time.monotonic() + self._function.timeout_s
            while not invocation.done.wait(min(0.1, max(0.0, ends - time.monotonic()))):
                if time.monotonic() >= ends:
                    self.stop()
                    raise self._failed(
                        "Sandbox.Timedout", f"Task timed out after {self._function.timeout_s:.2f} seconds"
                    )
                if not process.running:
                    self.stop()
                    raise self._failed("Runtime.ExitError", "Runtime exited")
            if invocation.kind == "too large":
                self.stop()  # the runtime client ends itself on the refusal, a moment later
        if invocation.kind == "response":
            return json.loads(invocation.body)
        if invocation.kind == "too large":
            raise self._failed("Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed")
        raise FunctionFailed(self._function.name, json.loads(invocation.body), self.log)

    def start(self) -> None:
        """A cold start. Raises FunctionFailed when the module cannot be imported, or takes more than 10 seconds."""
        self.stop()
        self._api = RuntimeApi()
        started = time.perf_counter()
        self._process = self._launch(self._api)
        self.starts += 1
        while not self._api.asked.wait(0.1):
            if not self._process.running or time.perf_counter() - started > INIT_S:
                late = self._process.running
                self.stop()
                raise self._failed("Sandbox.Timedout" if late else "Runtime.ExitError", "The start did not end well")
        if self._api.init_error is not None:
            payload = json.loads(self._api.init_error)
            self.stop()
            raise FunctionFailed(self._function.name, payload, self.log)
        self.init_ms = (self._api.asked_at - started) * 1000

    def stop(self) -> None:
        """Let go of the process, at once and without a word, as Lambda does."""
        if self._process is not None:
            self._process.kill()
        if self._api is not None:
            self._api.close()
        self._process = self._api = None

    def _warm(self) -> tuple[RuntimeApi, Supervised]:
        if self._process is None or not self._process.running:
            self.start()
        assert self._api is not None  # noqa: S101  for the type checker
        assert self._process is not None  # noqa: S101
        return self._api, self._process

    def _launch(self, api: RuntimeApi) -> Supervised:
        paths = self._isolation.paths(self._folders.task, self._folders.runtime)
        told = {
            "_HANDLER": self._function.handler,
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": self._function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._function.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self._function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        }
        return Supervised(
            self._isolation.command(self._folders.task, self._folders.runtime, self._function.handler),
            stop_signal=signal.SIGKILL,
            log=self._folders.logs / f"{self._function.name}.log",
            user=ServerUser("", {}),
            environment=environment({**told, **self._variables}, paths),
            inherit=False,
        )

    def _invocation(self, payload: bytes) -> Invocation:
        deadline = int((time.time() + self._function.timeout_s) * 1000)
        return Invocation(str(uuid.uuid4()), _ACCOUNT + self._function.name, payload, deadline)

    def _failed(self, error_type: str, message: str) -> FunctionFailed:
        return FunctionFailed(self._function.name, {"errorType": error_type, "errorMessage": message}, self.log)
