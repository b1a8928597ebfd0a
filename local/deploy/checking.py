"""After the code: the schema that it needs, and whether it answers."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import boto3
import httpx
from botocore.config import Config

from chalicelib.api.doors import BASE

from .ground import Ground
from .standing import address
from .steps import DeployFault

_MIGRATION_LIMIT = 900  # seconds that Lambda gives the function
_PATIENCE = 60.0  # seconds until a new API must answer: a first start in the network takes some


def migrate(ground: Ground, function: str) -> dict[str, Any]:
    """Invoke the function `migrate`, by its ARN; its answer. Raises DeployFault with what it said."""
    patience = Config(read_timeout=_MIGRATION_LIMIT + 10, retries={"max_attempts": 0})
    client = boto3.client("lambda", region_name=ground.region, config=patience)
    for state in ("function_active_v2", "function_updated_v2"):
        client.get_waiter(state).wait(FunctionName=function)
    answer = client.invoke(FunctionName=function, Payload=b"{}")
    payload = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise DeployFault(f"{payload.get('errorType')}: {payload.get('errorMessage')}")
    if not isinstance(payload, dict) or "to" not in payload:
        raise DeployFault(f"the answer is not that of a migration: {json.dumps(payload)[:500]}")
    return payload


def smoke_test(ground: Ground, api: str) -> str:
    """Ask the API of its health, and for what it tells nobody without a token; what was seen, in a line.

    Raises DeployFault with the last answer, if it is not the right one within a minute.
    """
    url = _base(ground, api) + BASE
    with httpx.Client(timeout=30.0) as client:
        health = _wait_for(client, f"{url}/health", 200)
        _wait_for(client, f"{url}/sections", 401)
    told = health.json()
    return f"{url}/health: {told['status']}, {json.dumps(told['dependencies'])}; without a token: 401"


def _wait_for(client: httpx.Client, url: str, status: int) -> httpx.Response:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            answer = client.get(url)
            if answer.status_code == status:
                return answer
            told = f"{answer.status_code} {answer.text[:500]}"
            if answer.status_code == 503:  # the app itself says that a server is away: no waiting helps
                break
        except httpx.HTTPError as error:
            told = f"{type(error).__name__}: {error}"
        if time.monotonic() > deadline:
            break
        time.sleep(2)
    raise DeployFault(f"GET {url} should have answered {status}: {told}")


def _base(ground: Ground, api: str) -> str:
    """The API's own address, or where an emulator of AWS has it."""
    if emulator := os.environ.get("AWS_ENDPOINT_URL"):
        return f"{emulator}/restapis/{api}/{ground.stage}/_user_request_"
    return address(ground, api, "https")
