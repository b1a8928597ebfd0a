"""API Gateway deploys a WebSocket API to a stage; moto 5.2.5 knows no deployments of them and answers 404."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from moto.apigatewayv2 import urls
from moto.apigatewayv2.exceptions import APIGatewayV2Error
from moto.apigatewayv2.responses import ApiGatewayV2Response

_PATH = "{0}/v2/apis/(?P<api_id>[^/]+)/deployments"


class _DeploymentNotFound(APIGatewayV2Error):
    code = 404


def mend() -> None:
    """Add the four calls and their paths."""
    for call in (create_deployment, get_deployments, get_deployment, delete_deployment):
        setattr(ApiGatewayV2Response, call.__name__, call)
    urls.url_paths[_PATH + "$"] = ApiGatewayV2Response.dispatch
    urls.url_paths[_PATH + "/(?P<deployment_id>[^/]+)$"] = ApiGatewayV2Response.dispatch


def create_deployment(self: ApiGatewayV2Response) -> tuple[int, dict[str, int], str]:
    """POST; the state of the API is not kept, so a route that was forgotten in it would not be noticed."""
    made = {
        "deploymentId": secrets.token_hex(3),
        "autoDeployed": False,
        "createdDate": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "deploymentStatus": "DEPLOYED",
        "description": json.loads(self.body or "{}").get("description"),
    }
    _deployments(self)[made["deploymentId"]] = made
    return 201, {"status": 201}, json.dumps(made)


def get_deployments(self: ApiGatewayV2Response) -> tuple[int, dict[str, int], str]:
    """GET of all."""
    return 200, {}, json.dumps({"items": list(_deployments(self).values())})


def get_deployment(self: ApiGatewayV2Response) -> tuple[int, dict[str, int], str]:
    """GET of one."""
    found = _deployments(self).get(self.path.rpartition("/")[2])
    if found is None:
        raise _DeploymentNotFound("NotFoundException", "Invalid deployment identifier specified")
    return 200, {}, json.dumps(found)


def delete_deployment(self: ApiGatewayV2Response) -> tuple[int, dict[str, int], str]:
    """DELETE of one."""
    _deployments(self).pop(self.path.rpartition("/")[2], None)
    return 204, {"status": 204}, ""


def _deployments(response: ApiGatewayV2Response) -> dict[str, dict[str, Any]]:
    """The deployments of the API that the request names; they go when it goes."""
    api = response.apigatewayv2_backend.get_api(response.path.partition("/v2/apis/")[2].partition("/")[0])
    kept: dict[str, dict[str, Any]] = api.__dict__.setdefault("rollcall_deployments", {})
    return kept
