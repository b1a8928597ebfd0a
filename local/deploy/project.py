"""A Chalice project for one deployment: the code, the stage filled in from the ground, the package, and what stands."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from local.packaging import Package
from local.packaging.project import copy_project

from .ground import Ground
from .standing import REST, Standing, address
from .steps import DeployFault

API = "api"
"""Terraform's name for the function that Chalice calls REST."""


def make_project(
    folder: Path, source: Path, ground: Ground, package: Package, standing: Standing, tags: dict[str, str]
) -> None:
    """Fill the new `folder`. Raises DeployFault for a function without a role, and a package of other code."""
    functions = package.names
    architecture = next(iter(package.functions.values())).architecture
    copy_project(folder, ground.stage, None, source)
    path = folder / ".chalice" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    stage = filled_in(config["stages"][ground.stage], functions, ground, standing, tags)
    config["stages"][ground.stage] = {**stage, "lambda_architecture": architecture}
    path.write_text(json.dumps(config), encoding="utf-8")
    remember(folder, ground, standing)
    _lay_package(folder, package, architecture)


def filled_in(
    stage: dict[str, Any], functions: list[str], ground: Ground, standing: Standing, tags: dict[str, str]
) -> dict[str, Any]:
    """The stage of .chalice/config.json with what the ground says on top of it."""
    roles = {REST if name == API else name: arn for name, arn in ground.function_role_arns.items()}
    own = {REST if name == API else name: variables for name, variables in ground.function_environment.items()}
    if without := [name for name in functions if name not in roles]:
        raise DeployFault(f"infra/terraform has no role for {', '.join(without)}: see function_role_arns in iam.tf.")
    if unknown := [name for name in own if name not in functions]:
        raise DeployFault(f"There is no function {', '.join(unknown)} for the variables in function_environment.")
    said = stage.get("lambda_functions", {})
    return {
        **stage,
        "manage_iam_role": False,
        "iam_role_arn": roles[REST],  # Chalice wants one for the stage; every function has its own below
        "subnet_ids": ground.subnet_ids,
        "security_group_ids": ground.security_group_ids,
        "tags": {**stage.get("tags", {}), **tags},
        "environment_variables": {
            **stage.get("environment_variables", {}), **websocket(ground, standing), **ground.environment,
        },
        "lambda_functions": {
            **said,
            **{name: _function(said.get(name, {}), roles[name], own.get(name, {})) for name in functions},
        },
    }  # fmt: skip


def remember(folder: Path, ground: Ground, standing: Standing) -> None:
    """Give Chalice its memory of the stage."""
    path = folder / ".chalice" / "deployed" / f"{ground.stage}.json"
    path.parent.mkdir(exist_ok=True)
    if standing:
        path.write_text(json.dumps(standing.remembered(ground)), encoding="utf-8")


def websocket(ground: Ground, standing: Standing) -> dict[str, str]:
    """Where live progress is, once the API is there: AWS gives it an address when it is made."""
    if standing.websocket_api is None:
        return {}
    api = standing.websocket_api
    return {"WEBSOCKET_URL": address(ground, api, "wss"), "WEBSOCKET_ENDPOINT": address(ground, api, "https")}


def _function(said: dict[str, Any], role: str, variables: dict[str, str]) -> dict[str, Any]:
    own = {**said.get("environment_variables", {}), **variables}
    return {**said, "manage_iam_role": False, "iam_role_arn": role, **({"environment_variables": own} if own else {})}


def _lay_package(folder: Path, package: Package, architecture: str) -> None:
    """Put the zip where Chalice looks for one that it made before: what was checked is what is deployed."""
    from chalice.deploy.packager import LambdaDeploymentPackager
    from chalice.utils import UI, OSUtils

    with zipfile.ZipFile(package.zip) as zipped:
        ours = [folder / "app.py", *(one for one in (folder / "chalicelib").rglob("*") if one.is_file())]
        names = set(zipped.namelist())
        for path in ours:
            name = path.relative_to(folder).as_posix()
            if name not in names or zipped.read(name) != path.read_bytes():
                raise DeployFault(f"The package in {package.folder} is not of this code: {name} differs. Make it anew.")
    runtime = next(iter(package.functions.values())).runtime
    builder: Any = None  # it is asked for a name only
    packager = LambdaDeploymentPackager(OSUtils(), builder, UI(), architecture)
    place = Path(packager.deployment_package_filename(str(folder), runtime))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(package.zip.read_bytes())
