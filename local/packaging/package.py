"""What `chalice package` leaves: a zip, and Terraform in JSON that names the functions in it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

Architecture: TypeAlias = Literal["arm64", "x86_64"]


def this_machine() -> Architecture:
    """The architecture whose libraries run here."""
    return "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function: what it runs, and within which limits. `name` is the one in app.py, `app` for the API."""

    name: str
    handler: str
    timeout_s: int
    memory_mb: int = 512
    runtime: str = ""
    architecture: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Package:
    """The folder of a stage's package."""

    folder: Path

    @property
    def zip(self) -> Path:
        """The code of all functions."""
        return self.folder / "deployment.zip"

    @property
    def description(self) -> Path:
        """What Terraform applies."""
        return self.folder / "chalice.tf.json"

    @cached_property
    def functions(self) -> Mapping[str, Function]:
        """Every function by its name in app.py, as the description has it."""
        found = [_function(one) for one in self._described.values()]
        return {function.name: function for function in found}

    @property
    def names(self) -> list[str]:
        """Chalice's own names of the functions, as .chalice/config.json has them; `api_handler` for the API."""
        return list(self._described)

    @cached_property
    def _described(self) -> dict[str, dict[str, Any]]:
        described = json.loads(self.description.read_text(encoding="utf-8"))["resource"]["aws_lambda_function"]
        return cast("dict[str, dict[str, Any]]", described)


def _function(described: dict[str, Any]) -> Function:
    return Function(
        name=described["handler"].rpartition(".")[2],
        handler=described["handler"],
        timeout_s=described["timeout"],
        memory_mb=described["memory_size"],
        runtime=described["runtime"],
        architecture=described["architectures"][0],
        environment=described.get("environment", {}).get("variables", {}),
    )
