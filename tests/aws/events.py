"""Events as AWS documents them, with everything that they carry there."""

from __future__ import annotations

import json
import uuid
from typing import Any

from chalicelib.api.doors import BASE
from local.gateway.routes import RouteTable

_HOST = "1234567890.execute-api.eu-central-1.amazonaws.com"
_API = {
    "accountId": "123456789012", "apiId": "1234567890", "domainName": _HOST, "domainPrefix": "1234567890",
    "extendedRequestId": "JKJaXmPLvHcESHA=", "protocol": "HTTP/1.1", "stage": "dev",
    "requestTime": "11/Feb/2026:09:20:23 +0000", "requestTimeEpoch": 1770801623000,
}  # fmt: skip


def rest(
    routes: RouteTable, method: str, path: str, *, token: str, body: Any = None, query: dict[str, str] | None = None
) -> dict[str, Any]:
    """API Gateway's proxy event (REST, payload 1.0) for a request below BASE."""
    match = routes.match(BASE + path)
    assert match is not None, f"there is no {path}"
    headers = {
        "Accept": "*/*", "Authorization": f"Bearer {token}", "CloudFront-Forwarded-Proto": "https",
        "CloudFront-Viewer-Country": "DE", "Content-Type": "application/json", "Host": _HOST,
        "User-Agent": "Mozilla/5.0", "Via": "2.0 0123456789abcdef.cloudfront.net (CloudFront)",
        "X-Amzn-Trace-Id": "Root=1-5e66d96f-7491f09xmpl79d18acf3d050", "X-Forwarded-For": "192.0.2.3, 192.0.2.4",
        "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https",
    }  # fmt: skip
    context = {
        **_API, "resourceId": "2gxmpl", "resourcePath": match.resource, "httpMethod": method,
        "path": f"/dev{BASE}{path}", "requestId": str(uuid.uuid4()),
        "identity": {
            "cognitoIdentityPoolId": None, "accountId": None, "cognitoIdentityId": None, "caller": None,
            "sourceIp": "192.0.2.3", "principalOrgId": None, "accessKey": None, "cognitoAuthenticationType": None,
            "cognitoAuthenticationProvider": None, "userArn": None, "userAgent": "Mozilla/5.0", "user": None,
        },
    }  # fmt: skip
    return {
        "resource": match.resource,
        "path": BASE + path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": query and {name: [value] for name, value in query.items()},
        "pathParameters": match.path_parameters or None,
        "stageVariables": None,
        "requestContext": context,
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def scheduled(rule: str) -> dict[str, Any]:
    """What EventBridge sends when a rule's time has come."""
    return {
        "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
        "source": "aws.events", "account": "123456789012", "time": "2026-02-11T08:00:00Z", "region": "eu-central-1",
        "resources": [f"arn:aws:events:eu-central-1:123456789012:rule/{rule}"], "detail": {},
    }  # fmt: skip


def websocket(route: str, kind: str, connection: str, **more: Any) -> dict[str, Any]:
    """API Gateway's event of a WebSocket: CONNECT, MESSAGE or DISCONNECT."""
    context = {
        "routeKey": route, "eventType": kind, "extendedRequestId": "ABCD1234=", "messageDirection": "IN",
        "requestTime": "11/Feb/2026:18:11:22 +0000", "stage": "dev", "connectedAt": 1770833482000,
        "requestTimeEpoch": 1770833482002, "identity": {"sourceIp": "192.0.2.3", "userAgent": "Mozilla/5.0"},
        "requestId": "ABCD1234=", "domainName": "abcd1234.execute-api.eu-central-1.amazonaws.com",
        "connectionId": connection, "apiId": "abcd1234",
    }  # fmt: skip
    return {"requestContext": context, "isBase64Encoded": False, **more}
