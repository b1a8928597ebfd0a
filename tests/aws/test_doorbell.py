"""The doorbell on AWS: an asynchronous invocation that a request never waits for and never fails by."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from chalicelib.services.doorbell import LambdaDoorbell

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:botocore.*")


@pytest.fixture
def drain_function(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A Lambda function named as the drain is."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws(config={"lambda": {"use_docker": False}}):
        trust = {"Version": "2012-10-17", "Statement": []}
        role = boto3.client("iam").create_role(RoleName="drain", AssumeRolePolicyDocument=json.dumps(trust))
        boto3.client("lambda").create_function(
            FunctionName="rollcall-test-drain",
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="app.drain",
            Code={"ZipFile": b"not opened here"},
        )
        yield "rollcall-test-drain"


def test_a_ring_invokes_the_drain_and_leaves_nothing_in_the_log(
    drain_function: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The invocation is accepted."""
    with caplog.at_level(logging.WARNING):
        LambdaDoorbell(drain_function).ring(0)
    assert not caplog.records


def test_a_ring_tells_the_drain_which_shard_it_is_for(drain_function: str) -> None:
    """So that it need not look at the others."""
    doorbell, asked = LambdaDoorbell(drain_function), []
    doorbell._client.meta.events.register("before-call.lambda.Invoke", lambda params, **_: asked.append(params["body"]))
    doorbell.ring(3)
    assert [json.loads(body) for body in asked] == [{"shard": 3}]


def test_a_ring_that_fails_is_logged_and_not_raised(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The job is on the list already: the schedule will drain it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    LambdaDoorbell("rollcall-test-drain").ring(0)
    assert "could not be rung" in caplog.text
