"""A Secrets Manager on the loopback interface (moto), and what AWS' rotation does to a secret in it, step by step."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import boto3
from moto.server import ThreadedMotoServer

REGION = "eu-west-1"


class Vault:
    """`variables` are what Lambda tells a function that asks it."""

    def __init__(self, url: str) -> None:
        self.variables = {
            "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SESSION_TOKEN": "a token of the session", "AWS_ENDPOINT_URL_SECRETS_MANAGER": url,
        }  # fmt: skip
        self.client: Any = boto3.client(
            "secretsmanager", REGION, aws_access_key_id="testing", aws_secret_access_key="testing", endpoint_url=url
        )

    def keep(self, user: str, password: str) -> str:
        """The ARN of a new secret."""
        told = self.client.create_secret(Name=f"rollcall/test/{uuid4()}", SecretString=_text(user, password))
        return str(told["ARN"])

    def password(self, arn: str) -> str:
        """The current one."""
        told = self.client.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
        return str(json.loads(told["SecretString"])["password"])

    def pend(self, arn: str, user: str, password: str) -> str:
        """The first step of a rotation: the new password is in the secret, pending. Returns its version."""
        told = self.client.put_secret_value(
            SecretId=arn, SecretString=_text(user, password), VersionStages=["AWSPENDING"]
        )
        return str(told["VersionId"])

    def finish(self, arn: str, version: str) -> None:
        """The last step: what was pending is current, what was current is previous."""
        current = self.client.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")["VersionId"]
        self.client.update_secret_version_stage(
            SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=current
        )


def _text(user: str, password: str) -> str:
    return json.dumps({"engine": "postgres", "username": user, "password": password})


@contextmanager
def open_vault() -> Iterator[Vault]:
    """Serve it on a free port."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Vault(f"http://{host}:{port}")
    finally:
        server.stop()
