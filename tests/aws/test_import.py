"""The import function: a bundle in a bucket becomes a tenant's roster, and whatever is wrong with it is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from redis import Redis

import app
from chalicelib.cache import RosterCache
from chalicelib.container import Container
from chalicelib.db.ids import tenant_id
from chalicelib.errors import RollcallError
from chalicelib.services import uploads
from local.lambda_context import LocalLambdaContext
from tests.oneroster import small_school, texts, zipped

pytestmark = [pytest.mark.aws, pytest.mark.filterwarnings("ignore::DeprecationWarning:botocore.*")]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and the function that imports from it."""

    s3: Any
    name: str

    def put(self, key: str, content: bytes) -> None:
        """Upload an object."""
        self.s3.put_object(Bucket=self.name, Key=key, Body=content)

    def import_(self, tenant: str, key: str = "school.zip", **event: Any) -> dict[str, Any]:
        """Invoke the function."""
        return invoke({"bucket": self.name, "key": key, "tenant": tenant, **event})


def invoke(event: dict[str, Any]) -> dict[str, Any]:
    """Invoke the function with `event`."""
    told: dict[str, Any] = app.import_roster(event, LocalLambdaContext("import", timeout=900))
    return told


@pytest.fixture
def container(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    """The application's own container, on an empty Redis."""
    variables = {
        "ROLLCALL_STAGE": "local", "DATABASE_URL": database_url, "REDIS_URL": redis_url, "JWT_ISSUER": "tests",
        "JWT_LOCAL_KEY": "k" * 32,
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    app.container.cache_clear()
    yield app.container()
    app.container().close()
    app.container.cache_clear()


@pytest.fixture
def bucket(container: Container, aws: None) -> Bucket:
    """A bucket of its own."""
    made = Bucket(boto3.client("s3"), f"rollcall-{uuid4().hex}")
    made.s3.create_bucket(Bucket=made.name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return made


@pytest.fixture
def bundle(bucket: Bucket, tmp_path: Path) -> bytes:
    """A small school, uploaded as `school.zip`."""
    content = zipped(tmp_path / "school.zip", texts(small_school())).read_bytes()
    bucket.put("school.zip", content)
    return content


@pytest.mark.usefixtures("bundle")
def test_a_bundle_becomes_a_roster_that_is_ready_in_the_cache(bucket: Bucket, tenant: str, redis: Redis) -> None:
    """The counts of each table are told; the next register of the tenant needs no Postgres."""
    told = bucket.import_(tenant, timezone="America/Chicago")
    assert (told["imported"], told["changed"], told["tenant_id"]) == (True, True, tenant_id(tenant))
    assert told["counts"]["student"] == {"created": 2, "updated": 0, "closed": 0, "unchanged": 0}

    def nobody() -> Any:
        raise AssertionError("Postgres was asked")

    assert RosterCache(redis, nobody).rules(tenant_id(tenant)).timezone == "America/Chicago"


@pytest.mark.usefixtures("bundle")
def test_a_second_import_of_the_same_changes_nothing(bucket: Bucket, tenant: str) -> None:
    """As Lambda may do it, when an invocation is delivered twice."""
    bucket.import_(tenant)
    told = bucket.import_(tenant)
    assert (told["imported"], told["changed"], told["counts"]["student"]["unchanged"]) == (True, False, 2)


def test_a_bad_row_is_told_and_refuses_all_only_if_strict(bucket: Bucket, tenant: str, tmp_path: Path) -> None:
    """By file, line and column."""
    school = small_school()
    school["users"][0]["givenName"] = ""
    bucket.put("bad.zip", zipped(tmp_path / "bad.zip", texts(school)).read_bytes())
    told = bucket.import_(tenant, "bad.zip", strict=True)
    assert (told["imported"], told["problems"] > 0) == (False, True)
    assert told["problems_shown"][0].startswith("users.csv:2: givenName")
    told = bucket.import_(tenant, "bad.zip")
    assert (told["imported"], told["counts"]["student"]["created"]) == (True, 1)


def test_what_is_no_bundle_is_refused(bucket: Bucket, tenant: str) -> None:
    """As an answer: to try again would not help."""
    bucket.put("photo.jpg", b"not a zip")
    told = bucket.import_(tenant, "photo.jpg")
    assert not told["imported"]
    assert "is not a zip file" in told["detail"]


def test_an_object_that_is_not_there_is_refused(bucket: Bucket, tenant: str) -> None:
    """By its name and its bucket's."""
    told = bucket.import_(tenant, "missing.zip")
    assert told == {
        "imported": False, "detail": f"There is no missing.zip in the bucket {bucket.name}.", "problems": 0,
        "problems_shown": [],
    }  # fmt: skip


def test_an_object_that_is_too_large_is_not_read(
    bucket: Bucket, bundle: bytes, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk of a Lambda is small."""
    monkeypatch.setattr(uploads, "MAX_BUNDLE", len(bundle) - 1)
    assert "bytes, more than" in bucket.import_(tenant)["detail"]
    monkeypatch.setattr(uploads, "MAX_BUNDLE", len(bundle))
    assert bucket.import_(tenant)["imported"]


@pytest.mark.parametrize("missing", ["bucket", "key", "tenant"])
def test_an_event_must_say_what_and_for_whom(container: Container, missing: str) -> None:
    """The field is named."""
    event = {"bucket": "uploads", "key": "school.zip", "tenant": "school"}
    told = invoke({**event, missing: ""})
    assert told["detail"] == f"The event must name its '{missing}'."


@pytest.mark.usefixtures("container")
def test_an_outage_of_s3_is_an_error_of_the_function(tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it is seen, and tried again."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(RollcallError, match="EndpointConnectionError"):
        invoke({"bucket": "rollcall", "key": "school.zip", "tenant": tenant})
