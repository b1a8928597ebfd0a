"""Our signatures are those of AWS' own library, bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import ServiceId
from botocore.session import get_session
from botocore.signers import RequestSigner
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.access.signature import Signer
from chalicelib.access.tokens import PostgresToken, RedisToken
from chalicelib.server_settings import AwsSettings, RedisIam

AT = datetime(2026, 9, 1, 7, 59, 3, tzinfo=UTC)
HOST = "rollcall.abc123.eu-west-1.rds.amazonaws.com"


@pytest.fixture(autouse=True, scope="module")
def clock() -> Iterator[None]:
    """The library signs at the same instant."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: AT.replace(tzinfo=None))
        yield


def settings(token: str | None = "a/token+of=the session") -> AwsSettings:
    """Fixed keys."""
    return AwsSettings("eu-west-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token, "")


def credentials(aws: AwsSettings) -> Credentials:
    """The same for the library."""
    return Credentials(aws.key_id, aws.secret_key, aws.session_token)


def presigned(aws: AwsSettings, service: str, url: str) -> dict[str, list[str]]:
    """The query of a URL that the library signs for 900 seconds."""
    signer = RequestSigner(
        ServiceId(service), aws.region, service, "v4", credentials(aws), get_session().get_component("event_emitter")
    )
    request: dict[str, Any] = {
        "url_path": "/",
        "query_string": {},
        "headers": {},
        "body": {},
        "method": "GET",
        "url": url,
    }
    signed = signer.generate_presigned_url({**request, "context": {}}, "connect", 900, aws.region, service)
    return parse_qs(urlsplit(signed).query, strict_parsing=True)


@given(body=st.binary(max_size=200), token=st.none() | st.text("abc+/= ", min_size=1).map(str.strip).filter(bool))
def test_a_request_is_signed_as_the_library_signs_it(body: bytes, token: str | None) -> None:
    """Whatever is in it, with and without a session."""
    aws = settings(token)
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue"}
    request = AWSRequest("POST", "https://secretsmanager.eu-west-1.amazonaws.com/", headers, data=body)
    SigV4Auth(credentials(aws), "secretsmanager", aws.region).add_auth(request)
    ours = Signer(aws, "secretsmanager", AT).headers("secretsmanager.eu-west-1.amazonaws.com", "/", headers, body)
    assert ours["Authorization"] == request.headers["Authorization"]
    assert ours.get("X-Amz-Security-Token") == token


@pytest.mark.parametrize("token", [None, "a/token+of=the session"])
def test_a_token_of_rds_is_that_of_the_library(token: str | None) -> None:
    """Host and port, then a query; no scheme."""
    aws = settings(token)
    [login] = PostgresToken(aws, HOST, 5432, "rollcall_app", lambda: AT).offers()
    where, _, query = login.password.partition("/?")
    assert (login.user, where) == ("rollcall_app", f"{HOST}:5432")
    theirs = presigned(aws, "rds-db", f"https://{HOST}:5432/?Action=connect&DBUser=rollcall_app")
    assert parse_qs(query, strict_parsing=True) == theirs
    assert theirs["X-Amz-Expires"] == ["900"]


@pytest.mark.parametrize(
    ("kind", "service", "more"),
    [
        ("node", "elasticache", ""),
        ("serverless", "elasticache", "&ResourceType=ServerlessCache"),
        ("memorydb", "memorydb", ""),
    ],
)
def test_a_token_of_redis_is_that_of_the_library(kind: str, service: str, more: str) -> None:
    """The name of the cache in place of a host."""
    aws = settings()
    [login] = RedisToken(aws, RedisIam(kind, "rollcall-dev"), "rollcall-dev-app", lambda: AT).offers()
    where, _, query = login.password.partition("/?")
    assert (login.user, where) == ("rollcall-dev-app", "rollcall-dev")
    theirs = presigned(aws, service, f"http://rollcall-dev/?Action=connect&User=rollcall-dev-app{more}")
    assert parse_qs(query, strict_parsing=True) == theirs


def test_each_connection_has_a_token_of_its_own_time() -> None:
    """It is good for a quarter of an hour."""
    instants = iter([AT, AT.replace(minute=20, hour=8)])
    access = PostgresToken(settings(), HOST, 5432, "rollcall_app", lambda: next(instants))
    first, second = next(access.offers()).password, next(access.offers()).password
    assert "X-Amz-Date=20260901T075903Z" in first
    assert "X-Amz-Date=20260901T082003Z" in second


def test_keys_are_not_printed() -> None:
    """A settings object may end in a log."""
    assert "wJalr" not in repr(settings())
    assert "a/token" not in repr(settings())
