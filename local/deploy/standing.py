"""What stands of a stage on AWS, in the words in which Chalice remembers it.

Chalice keeps that in a file of the machine that deployed, and writes it only when all went well: another machine would
make a second API, and after a failure nothing could be deleted. Names and tags tell the same, and are never lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3

from .ground import APP, Ground
from .steps import DeployFault

REST = "api_handler"
"""Chalice's name for the function of the REST API."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The parts of a stage by Chalice's names: `functions` are ARNs, `rules` names, the APIs their ids."""

    functions: dict[str, str]
    rules: dict[str, str]
    rest_api: str | None
    websocket_api: str | None
    tags: dict[str, str]
    """Those of the function of the REST API."""

    def __bool__(self) -> bool:
        return bool(self.functions or self.rules or self.rest_api or self.websocket_api)

    def __str__(self) -> str:
        apis = [f"the API {one}" for one in (self.rest_api, self.websocket_api) if one]
        return ", ".join([*self.functions.values(), *self.rules.values(), *apis])

    def remembered(self, ground: Ground) -> dict[str, Any]:
        """The content of Chalice's `deployed/<stage>.json`."""
        resources: list[dict[str, str]] = []
        for name, arn in self.functions.items():
            resources.append({"name": name, "resource_type": "lambda_function", "lambda_arn": arn})
        for name, rule in self.rules.items():
            resources.append({"name": name, "resource_type": "cloudwatch_event", "rule_name": rule})
        for kind, api, scheme in (("rest_api", self.rest_api, "https"), ("websocket_api", self.websocket_api, "wss")):
            if api is not None:
                url = address(ground, api, scheme) + "/"
                resources.append({"name": kind, "resource_type": kind, f"{kind}_id": api, f"{kind}_url": url})
        return {"resources": resources, "schema_version": "2.0", "backend": "api"}


def address(ground: Ground, api: str, scheme: str) -> str:
    """Where an API of the stage is spoken to."""
    suffix = boto3.Session().get_partition_for_region(ground.region)
    domain = "amazonaws.com.cn" if suffix == "aws-cn" else "amazonaws.com"
    return f"{scheme}://{api}.execute-api.{ground.region}.{domain}/{ground.stage}"


def find_standing(ground: Ground) -> Standing:
    """Ask AWS. Raises DeployFault where two REST APIs call the functions of this stage: one of them is a leaving."""
    functions, tags = _functions(ground)
    rules = boto3.client("events", region_name=ground.region).get_paginator("list_rules")
    names = [rule["Name"] for page in rules.paginate(NamePrefix=f"{ground.name}-") for rule in page["Rules"]]
    return Standing(
        functions=functions,
        rules={name.removeprefix(f"{ground.name}-"): name for name in names if name.endswith("-event")},
        rest_api=_rest_api(ground),
        websocket_api=_websocket_api(ground),
        tags=tags.get(REST, {}),
    )


def _functions(ground: Ground) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """ARNs and tags, of Chalice's functions only: Terraform has one for rotation whose name begins the same."""
    client = boto3.client("lambda", region_name=ground.region)
    arns: dict[str, str] = {}
    tags: dict[str, dict[str, str]] = {}
    for page in client.get_paginator("list_functions").paginate():
        for one in page["Functions"]:
            name = str(one["FunctionName"])
            if name != ground.name and not name.startswith(f"{ground.name}-"):
                continue
            told = client.list_tags(Resource=one["FunctionArn"])["Tags"]
            if told.get("aws-chalice", "").endswith(f":stage={ground.stage}:app={APP}"):
                short = name.removeprefix(ground.name).removeprefix("-") or REST
                arns[short], tags[short] = one["FunctionArn"], told
    return arns, tags


def _rest_api(ground: Ground) -> str | None:
    """Every stage has its own, and all have one name: an API belongs to the stage whose function it calls."""
    client = boto3.client("apigateway", region_name=ground.region)
    calls = f":function:{ground.name}/invocations"
    pages = client.get_paginator("get_rest_apis").paginate()
    named = [api["id"] for page in pages for api in page["items"] if api["name"] == APP]
    found = [api for api in named if calls in str(client.get_resources(restApiId=api, embed=["methods"], limit=500))]
    if len(found) > 1:
        raise DeployFault(
            f"{len(found)} REST APIs call {ground.name}: {', '.join(found)}. Keep the one that is in use:\n"
            "aws apigateway delete-rest-api --rest-api-id THE_OTHER"
        )
    return found[0] if found else None


def _websocket_api(ground: Ground) -> str | None:
    client = boto3.client("apigatewayv2", region_name=ground.region)
    for page in client.get_paginator("get_apis").paginate():
        for api in page["Items"]:
            if api["Name"] == f"{ground.name}-websocket-api":
                return str(api["ApiId"])
    return None
