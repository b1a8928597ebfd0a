"""Lay out the folder in which one `terraform apply` makes a whole stage: the ground, and the functions upon it.

It is one root: infra/terraform, infra/everything, and what Chalice says of functions and APIs, put right for them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from local.folder import ROOT

from .contents import PackageFault
from .package import Package

_SOURCES = (ROOT / "infra" / "terraform", ROOT / "infra" / "everything")


def lay_out(package: Package, target: Path) -> None:
    """Fill `target`; what Terraform keeps there between two runs stays. Raises PackageFault."""
    target.mkdir(parents=True, exist_ok=True)
    for pattern in ("*.tf", "*.tf.json"):
        for stale in target.glob(pattern):
            stale.unlink()
    for source in _SOURCES:
        for file in source.glob("*.tf"):
            if (target / file.name).exists():
                raise PackageFault(f"{file.name} is in two folders of infra: one would take the place of the other.")
            shutil.copy(file, target)
    shutil.copy(package.zip, target)
    described = json.loads(package.description.read_text(encoding="utf-8"))
    text = json.dumps(put_right(described), indent=2) + "\n"
    (target / package.description.name).write_text(text, encoding="utf-8")


def put_right(described: dict[str, Any]) -> dict[str, Any]:
    """What `chalice package` says, as a part of this root.

    Gone are its outputs, its pins of old providers, its roles, and its stages, which infra/everything writes with logs
    and limits.
    """
    resources: dict[str, dict[str, dict[str, Any]]] = dict(described["resource"])
    for kind in ("aws_iam_role", "aws_iam_role_policy", "aws_apigatewayv2_stage"):
        resources.pop(kind, None)
    functions = resources["aws_lambda_function"]
    environment = {_ground(key): one["environment"]["variables"] for key, one in functions.items()}
    return {
        "locals": described["locals"] | {"chalice_environment": environment, "packaged_stage": _stage(described)},
        "data": {kind: one for kind, one in described["data"].items() if kind != "null_data_source"},
        "resource": resources
        | {
            "aws_lambda_function": {key: _function(key, one) for key, one in functions.items()},
            "aws_cloudwatch_event_rule": _rules(resources["aws_cloudwatch_event_rule"]),
            "aws_api_gateway_deployment": _rest_deployment(resources["aws_api_gateway_deployment"]),
            "aws_apigatewayv2_deployment": _websocket_deployment(resources),
        },
    }


def _stage(described: dict[str, Any]) -> str:
    """Whose package it is: the names of the functions have it in them."""
    return str(described["data"]["null_data_source"]["chalice"]["inputs"]["stage"])


def _ground(key: str) -> str:
    """The name that the ground has for a function of Chalice's."""
    return "api" if key == "api_handler" else key


def _function(key: str, said: dict[str, Any]) -> dict[str, Any]:
    name = _ground(key)
    # The role must be able to enter the network before Lambda takes it on; a log group that Lambda made would stay.
    after = ["aws_cloudwatch_log_group.function", "aws_iam_role_policy.function"]
    kept = {name: value for name, value in said.items() if name != "filename"}
    return kept | {
        "s3_bucket": "${aws_s3_object.code.bucket}",
        "s3_key": "${aws_s3_object.code.key}",
        "s3_object_version": "${aws_s3_object.code.version_id}",
        "role": f'${{aws_iam_role.function["{name}"].arn}}',
        "environment": {"variables": f'${{local.environment["{name}"]}}'},
        "vpc_config": {
            "subnet_ids": "${aws_subnet.private[*].id}",
            "security_group_ids": ["${aws_security_group.functions.id}"],
        },
        "tracing_config": {"mode": '${var.tracing ? "Active" : "PassThrough"}'},
        "depends_on": after if name == "migrate" else [*after, "aws_lambda_invocation.migrate"],
    }


def _rules(said: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Named as `chalice deploy` names them: as they come, those of two stages would be one."""
    return {key: one | {"name": f"${{local.name}}-{one['name']}"} for key, one in said.items()}


def _rest_deployment(said: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    kept = {name: value for name, value in said["rest_api"].items() if not name.startswith("stage_")}
    return {"rest_api": kept | {"triggers": {"routes": "${sha1(local.chalice_api_swagger)}"}}}


def _websocket_deployment(resources: dict[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """As it comes, it is made once and never again, whatever becomes of the routes."""
    routes = [f"aws_apigatewayv2_route.{key}" for key in sorted(resources["aws_apigatewayv2_route"])]
    hashed = ", ".join(f"{route}.{value}" for route in routes for value in ("route_key", "target"))
    return {
        key: one
        | {"triggers": {"routes": f'${{sha1(join(",", [{hashed}]))}}'}, "lifecycle": {"create_before_destroy": True}}
        for key, one in resources["aws_apigatewayv2_deployment"].items()
    }
