"""A ground for a stage, as infra/terraform would leave it, on an emulated AWS; and its outputs in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.aws.emulator import EmulatedAws

FUNCTIONS = (
    "api", "drain", "drain_schedule", "maintain", "migrate", "import", "websocket_connect", "websocket_message",
    "websocket_disconnect",
)  # fmt: skip


def lay_ground(
    aws: EmulatedAws, stage: str, environment: Mapping[str, str], own: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Roles, a network, a log group, a key; the outputs as `terraform output -json` has them."""
    name = f"rollcall-{stage}"
    iam, ec2, logs = aws.client("iam"), aws.client("ec2"), aws.client("logs")
    trust = {"Version": "2012-10-17", "Statement": []}
    roles = {
        function: iam.create_role(
            RoleName=f"{name}-{function.replace('_', '-')}", AssumeRolePolicyDocument=json.dumps(trust)
        )["Role"]["Arn"]
        for function in FUNCTIONS
    }
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{one}.0/24")["Subnet"]["SubnetId"] for one in (0, 1)]
    group = ec2.create_security_group(GroupName=f"{name}-functions", Description="x", VpcId=vpc)["GroupId"]
    logs.create_log_group(logGroupName=f"/rollcall/{stage}/api-access")
    log = logs.describe_log_groups(logGroupNamePrefix=f"/rollcall/{stage}/")["logGroups"][0]["arn"]
    return as_outputs({
        "function_role_arns": roles,
        "subnet_ids": subnets,
        "security_group_ids": [group],
        "drain_function": f"{name}-drain",
        "kms_key_arn": aws.client("kms").create_key()["KeyMetadata"]["Arn"],
        "api_access_log_arn": log.removesuffix(":*"),
        "environment": dict(environment),
        "function_environment": {function: dict(variables) for function, variables in own.items()},
        "redis_host": "not-looked-at.example",
    })  # fmt: skip


def as_outputs(values: Mapping[str, Any]) -> dict[str, Any]:
    """Each with what Terraform says beside it."""
    return {name: {"sensitive": False, "type": "dynamic", "value": value} for name, value in values.items()}


def write(path: Path, outputs: Mapping[str, Any]) -> Path:
    """The file."""
    path.write_text(json.dumps(outputs), encoding="utf-8")
    return path
