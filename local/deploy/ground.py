"""What infra/terraform has made for a stage, read from its outputs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from local.folder import ROOT

from .steps import DeployFault

APP = "rollcall"
_TERRAFORM = ROOT / "infra" / "terraform"

_Arn = Annotated[str, StringConstraints(pattern=r"^arn:[^:]+:[^:]+:[^:]*:\d{12}:.+")]
_Variables = dict[str, str]


class Ground(BaseModel):
    """The outputs that a deployment needs, by their names there; others are not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stage: str
    subnet_ids: list[str] = Field(min_length=1)
    security_group_ids: list[str] = Field(min_length=1)
    function_role_arns: dict[str, _Arn] = Field(min_length=1)
    drain_function: str
    kms_key_arn: _Arn
    environment: _Variables = {}
    """Variables of every function."""
    function_environment: dict[str, _Variables] = {}
    """Variables of one function, by its name."""
    api_access_log_arn: _Arn | None = None

    @property
    def name(self) -> str:
        """The beginning of the names of all that belongs to the stage."""
        return f"{APP}-{self.stage}"

    @property
    def region(self) -> str:
        """Where it stands."""
        return self.kms_key_arn.split(":")[3]

    @property
    def account(self) -> str:
        """Whose it is."""
        return self.kms_key_arn.split(":")[4]


def read_ground(stage: str, file: Path | None = None) -> Ground:
    """The ground of `stage`, from the `file` with the JSON of `terraform output -json`, or by asking terraform itself.

    Raises DeployFault, naming each output that is missing or cannot be; also for the outputs of another stage.
    """
    told = _read(file) if file is not None else _ask_terraform()
    # Each output comes with its type; what is null was not made.
    values = {name: one.get("value") for name, one in told.items() if isinstance(one, dict)}
    try:
        ground = Ground(stage=stage, **{name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise DeployFault(f"The outputs of infra/terraform will not do: {faults}. Was it applied?") from error
    if ground.drain_function != f"{ground.name}-drain":
        raise DeployFault(
            f"These outputs are not those of {stage}, but of the stage of {ground.drain_function}.\n"
            f"terraform -chdir=infra/terraform init -reconfigure -backend-config={stage}.tfbackend"
        )
    return ground


def _read(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeployFault(f"The outputs cannot be read: {error}.") from error
    except ValueError as error:
        raise DeployFault(f"{file} is not the JSON of `terraform output -json`: {error}.") from error
    if not isinstance(told, dict):
        raise DeployFault(f"{file} is not the JSON of `terraform output -json`: it is no object.")
    return told


def _ask_terraform() -> dict[str, Any]:
    try:
        asked = subprocess.run(  # whichever terraform comes first in the PATH, as for `apply`
            ["terraform", f"-chdir={_TERRAFORM}", "output", "-json", "-no-color"],  # noqa: S607
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise DeployFault("terraform is not installed; or name a file with its outputs: OUTPUTS=...") from None
    if asked.returncode:
        raise DeployFault(f"terraform output: {asked.stderr.strip()}")
    told: dict[str, Any] = json.loads(asked.stdout)
    return told
