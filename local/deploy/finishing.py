"""What Chalice cannot set: the log of who asked, and the address of an API that was made with its functions."""

from __future__ import annotations

import json

import boto3

from .ground import Ground
from .project import websocket
from .standing import Standing

_LOG = {
    "time": "$context.requestTimeEpoch", "request": "$context.requestId", "trace": "$context.xrayTraceId",
    "from": "$context.identity.sourceIp", "method": "$context.httpMethod", "resource": "$context.resourcePath",
    "status": "$context.status", "bytes": "$context.responseLength", "ms": "$context.responseLatency",
    "error": "$context.error.messageString", "firewall": "$context.waf.status",
}  # fmt: skip
"""A line of the access log. No path and no query: they hold ids of students."""


def send_access_log(ground: Ground, api: str) -> None:
    """Let the REST API write to the log group of the ground, if there is one."""
    if ground.api_access_log_arn is None:
        return
    settings = {"destinationArn": ground.api_access_log_arn, "format": json.dumps(_LOG)}
    boto3.client("apigateway", region_name=ground.region).update_stage(
        restApiId=api,
        stageName=ground.stage,
        patchOperations=[
            {"op": "replace", "path": f"/accessLogSettings/{name}", "value": value} for name, value in settings.items()
        ],
    )


def tell_address(ground: Ground, standing: Standing) -> None:
    """Tell the functions where live progress is, as the next deployment tells them from the start."""
    client = boto3.client("lambda", region_name=ground.region)
    for arn in standing.functions.values():
        client.get_waiter("function_active_v2").wait(FunctionName=arn)
        told = client.get_function_configuration(FunctionName=arn)["Environment"]["Variables"]
        variables = {**websocket(ground, standing), **ground.environment}
        client.update_function_configuration(FunctionName=arn, Environment={"Variables": {**told, **variables}})
