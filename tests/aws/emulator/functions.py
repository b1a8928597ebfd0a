"""Lambda runs what was deployed, and hands out its code; moto runs functions only with Docker, and names no true place.

A function runs in the box of `local/lambda_box`, with the environment that was deployed and with this AWS around it.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends

from local.lambda_box import Cell, FunctionFailed, isolation, unpack
from local.lambda_box.cell import Folders
from local.lambda_box.task import lay_out_runtime, remove
from local.packaging import Function

CODE = "/deployed-code/"
"""Where the zip of a function is to be had, by its ARN."""


class Runner:
    """Runs functions of this AWS, one process each; a new version of one takes the place of the old."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url
        self._cells: dict[str, tuple[str, Cell]] = {}
        self._runtime: Path | None = None
        self._tasks: dict[str, Path] = {}
        self._one_at_a_time = threading.Lock()

    def run(self, function: LambdaFunction, event: Any) -> tuple[str, bool, str]:
        """The answer as JSON, whether it is an error, and what was printed meanwhile."""
        cell = self._cell(function)
        printed = len(cell.log)
        try:
            return json.dumps(cell.invoke(event)), False, cell.log[printed:]
        except FunctionFailed as failed:
            return json.dumps(failed.payload), True, cell.log[printed:]

    def close(self) -> None:
        """End all processes, and remove what was unpacked."""
        for _, cell in self._cells.values():
            cell.stop()
        for task in self._tasks.values():
            remove(task)

    def _cell(self, function: LambdaFunction) -> Cell:
        name = str(function.function_name)
        variables = {str(key): str(value) for key, value in (function.environment_vars or {}).items()}
        version = json.dumps([function.code_sha_256, function.handler, function.timeout, variables], sort_keys=True)
        with self._one_at_a_time:
            if name in self._cells and self._cells[name][0] == version:
                return self._cells[name][1]
            if name in self._cells:
                self._cells.pop(name)[1].stop()
            described = Function(name, str(function.handler), int(function.timeout), int(function.memory_size))
            around = {
                "AWS_ENDPOINT_URL": self._url,
                "AWS_REGION": function.region,
                "AWS_DEFAULT_REGION": function.region,
            }
            cell = Cell(described, self._folders(function), {**around, **variables}, isolation())
            self._cells[name] = (version, cell)
            return cell

    def _folders(self, function: LambdaFunction) -> Folders:
        """All functions have the same code as a rule: it is unpacked once."""
        if self._runtime is None:
            self._runtime = lay_out_runtime(self._folder / "runtime")
        code = function.code_sha_256
        if code not in self._tasks:
            zipped = self._folder / "code.zip"
            zipped.write_bytes(function.code_bytes)
            self._tasks[code] = unpack(zipped, self._folder / f"task-{len(self._tasks)}")
        return Folders(self._tasks[code], self._runtime, self._folder)


def mend(runner: Runner, url: str) -> None:
    """Let moto's functions be run by `runner`."""
    original_code = LambdaFunction.get_code

    def get_code(self: LambdaFunction) -> dict[str, Any]:
        told: dict[str, Any] = original_code(self)
        told["Code"]["Location"] = f"{url}{CODE}{self.function_arn}"
        return told

    def invoke(
        self: LambdaFunction, body: bytes | str, request_headers: Any, response_headers: dict[str, str]
    ) -> str | bytes:
        event = json.loads(body or "{}")
        if request_headers.get("x-amz-invocation-type") == "Event":
            threading.Thread(target=runner.run, args=(self, event), daemon=True).start()
            return b""
        answer, failed, _ = runner.run(self, event)
        if failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        return answer.encode()

    patched: Any = LambdaFunction
    patched.get_code, patched.invoke = get_code, invoke


def find(arn: str) -> LambdaFunction:
    """A function of this AWS by its ARN."""
    _, _, _, region, account, _, name, *_ = arn.split(":")
    backend: LambdaBackend = lambda_backends[account][region]
    return backend.get_function(name)


def code_of(arn: str) -> bytes:
    """The zip of a function."""
    return find(arn).code_bytes
