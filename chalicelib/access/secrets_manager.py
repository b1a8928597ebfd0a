"""Reads a secret of AWS Secrets Manager: one signed HTTPS request."""

from __future__ import annotations

import http.client
import json
import logging
import ssl
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from chalicelib.access.login import Login
from chalicelib.access.signature import Signer
from chalicelib.errors import Unavailable
from chalicelib.server_settings import AwsSettings

log = logging.getLogger(__name__)

TIMEOUT_S = 2.0
TRIES = 2

_NO_SUCH_STAGE = "ResourceNotFoundException"


class SecretsManager:
    """Secrets that the role of the function may read."""

    def __init__(self, aws: AwsSettings, now: Callable[[], datetime]) -> None:
        self._aws, self._now = aws, now

    def login(self, arn: str, stage: str) -> Login | None:
        """`username` and `password` of the secret in a stage (AWSCURRENT …), or None if there is no such stage.

        Raises Unavailable if Secrets Manager does not answer, or with anything else; the log says with what, by name.
        """
        status, told = self._ask({"SecretId": arn, "VersionStage": stage})
        if status == http.client.OK:
            return _login(arn, told)
        kind = str(told.get("__type", "")).rpartition("#")[2]
        if kind == _NO_SUCH_STAGE and stage != "AWSCURRENT":
            return None
        log.error("the secret %s could not be read: %s %s", arn, status, kind)
        raise Unavailable("A secret could not be read.", headers={"Retry-After": "2"})

    def _ask(self, question: dict[str, str]) -> tuple[int, dict[str, Any]]:
        error: Exception | None = None
        for _ in range(TRIES):
            try:
                status, content = self._post(json.dumps(question).encode())
                told = json.loads(content)
            except (OSError, http.client.HTTPException, ValueError) as fault:
                error = fault
            else:
                if status < http.client.INTERNAL_SERVER_ERROR and isinstance(told, dict):
                    return status, told
                error = None
        raise Unavailable("Secrets Manager does not answer.", headers={"Retry-After": "2"}) from error

    def _post(self, body: bytes) -> tuple[int, bytes]:
        where = urlsplit(self._aws.secrets_endpoint)
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue"}
        signer = Signer(self._aws, "secretsmanager", self._now())
        connection = (
            http.client.HTTPSConnection(where.netloc, timeout=TIMEOUT_S, context=self._context)
            if where.scheme == "https"
            else http.client.HTTPConnection(where.netloc, timeout=TIMEOUT_S)
        )
        try:
            connection.request("POST", "/", body, signer.headers(where.netloc, "/", headers, body))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _login(arn: str, told: dict[str, Any]) -> Login:
    try:
        secret = json.loads(told["SecretString"])
        user, password = secret["username"], secret["password"]
    except (KeyError, TypeError, ValueError):
        user = password = None
    if not (isinstance(user, str) and isinstance(password, str) and user and password):
        log.error("the secret %s is not JSON with username and password", arn)
        raise Unavailable("A secret is not of the form asked for.") from None
    return Login(user, password)
