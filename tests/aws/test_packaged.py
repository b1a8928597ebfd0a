"""The real zip, as Lambda runs it: every function is invoked with the events of AWS, on real Redis and Postgres."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from redis import Redis

from chalicelib.db.engine import make_engine
from chalicelib.db.migrate import head
from chalicelib.db.session import Database
from local.lambda_box import LambdaBox, unpack
from local.lambda_box.task import remove
from local.packaging import Function, Package
from local.servers import EmbeddedPostgres, EmbeddedRedis
from tests.aws.deployed import Deployed
from tests.aws.events import scheduled, websocket
from tests.aws.outside import ISSUER, Outside, open_outside
from tests.aws.probe import PROBE
from tests.conftest import APP_ROLE
from tests.oneroster import small_school, texts, zipped
from tests.school import TODAY, School

pytestmark = pytest.mark.aws

_REDIS = 9  # no other test uses this database


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    """An identity provider, and a management API of WebSockets."""
    with open_outside() as outside:
        yield outside


@pytest.fixture(scope="module")
def box(
    package: Package, empty_database: str, postgres: EmbeddedPostgres, redis_server: EmbeddedRedis, outside: Outside,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LambdaBox]:  # fmt: skip
    """Every function of the package, over TCP with passwords; the app's is not set yet."""
    variables = {
        "ROLLCALL_STAGE": "local",  # a laptop's stage: outside of it, all would have to be TLS
        "DATABASE_URL": postgres.tcp_url(empty_database, APP_ROLE, "made by a deployment"),
        "REDIS_URL": redis_server.tcp_url(_REDIS),
        "JWT_ISSUER": ISSUER,
        "JWT_JWKS_URL": outside.url + "/keys",
        "WEBSOCKET_URL": "wss://live.example/dev",
        "WEBSOCKET_ENDPOINT": outside.url,
        "DRAIN_FUNCTION": "",
        "AWS_ENDPOINT_URL_S3": outside.url,
    }
    functions = dict(package.functions)
    functions["migrate"] = replace(
        functions["migrate"], environment={"MIGRATION_DATABASE_URL": postgres.tcp_url(empty_database)}
    )
    functions["probe"] = Function("probe", "probe.handler", timeout_s=29)
    task = unpack(package.zip, tmp_path_factory.mktemp("packaged") / "task", {"probe.py": PROBE})
    with LambdaBox(task, functions, variables) as made:
        yield made
    remove(task)


@pytest.fixture(scope="module")
def deployed(box: LambdaBox, empty_database: str, postgres: EmbeddedPostgres, outside: Outside) -> Iterator[Deployed]:
    """The deployment has run its migration, as every test below needs it, and a school has moved in."""
    migrated = box.invoke("migrate", {})
    engine = make_engine(postgres.url(empty_database, APP_ROLE))
    school = School(Database(engine))
    yield Deployed(box, outside, school, school.section(students=3), migrated)
    engine.dispose()


@pytest.fixture(autouse=True)
def emptied(redis_server: EmbeddedRedis) -> None:
    """A Redis without jobs, connections and rosters."""
    with Redis.from_url(redis_server.url(_REDIS)) as client:
        client.flushdb()


def test_migrate_makes_the_schema_and_lets_the_app_in(deployed: Deployed) -> None:
    """From an empty database; a second deployment of the same code has nothing to do."""
    assert deployed.migrated == {"from": None, "to": head(), "password_set": True}
    assert deployed.box.invoke("migrate", {}) == {"from": head(), "to": head(), "password_set": True}


def test_health_reaches_both_servers(deployed: Deployed) -> None:
    """By the password that the migration has set."""
    status, told = deployed.ask("GET", "/health")
    assert (status, told["dependencies"]) == (200, {"redis": "ok", "postgres": "ok"})


def test_a_register_goes_all_the_way(deployed: Deployed) -> None:
    """POST /mark is answered 202, the rung drain writes it, GET tells so and the records are there."""
    job = deployed.mark()
    assert deployed.ask("GET", f"/jobs/{job}")[1]["state"] == "waiting"
    report = deployed.box.invoke("drain", {})
    assert (report["completed"], report["records"]) == (1, 3)
    status, told = deployed.ask("GET", f"/jobs/{job}")
    assert (status, told["state"], told["progress"]["percent"]) == (200, "completed", 100)
    status, page = deployed.ask("GET", "/records", date=str(TODAY), section_id=deployed.section.id)
    assert [(one["status"], one["job_id"]) for one in page["items"]] == [("PRESENT", job)] * 3


def test_the_schedule_drains_too(deployed: Deployed) -> None:
    """By EventBridge's event, for whom the bell was not heard."""
    job = deployed.mark("LATE")
    assert deployed.box.invoke("drain_schedule", scheduled("rollcall-dev-drain_schedule-event"))["completed"] == 1
    assert deployed.ask("GET", f"/jobs/{job}")[1]["state"] == "completed"


def test_the_daily_round_provides_for_more_than_a_year(deployed: Deployed) -> None:
    """By EventBridge's event; the schema is new, so there is nothing to make."""
    report = deployed.box.invoke("maintain", scheduled("rollcall-dev-maintain-event"))
    assert report["partitions_made"] == 0
    assert (date.fromisoformat(report["provided_until"]) - TODAY).days > 365


def test_a_websocket_follows_a_job_to_its_end(deployed: Deployed) -> None:
    """Three functions and the drain, each in its own process: a ticket, a subscription, progress, a farewell."""
    box, me = deployed.box, f"{secrets.token_urlsafe(8)}="
    status, ticket = deployed.ask("POST", "/realtime/tickets")
    assert (status, ticket["url"].partition("?")[0]) == (201, "wss://live.example/dev")
    query = {"ticket": ticket["ticket"]}
    connect = websocket("$connect", "CONNECT", me, queryStringParameters=query, headers={"Upgrade": "websocket"})
    assert box.invoke("websocket_connect", connect)["statusCode"] == 200
    assert box.invoke("websocket_connect", connect)["statusCode"] == 401, "a ticket is good for once"

    job = deployed.mark("EXCUSED")
    body = json.dumps({"action": "subscribe", "jobId": job})
    assert box.invoke("websocket_message", websocket("$default", "MESSAGE", me, body=body))["statusCode"] == 200
    assert box.invoke("drain", {})["completed"] == 1
    states = [message["job"]["state"] for message in deployed.outside.told(me) if "job" in message]
    assert (states[0], states[-1]) == ("waiting", "completed")

    assert box.invoke("websocket_disconnect", websocket("$disconnect", "DISCONNECT", me))["statusCode"] == 200
    assert box.invoke("websocket_message", websocket("$default", "MESSAGE", me, body=body))["statusCode"] == 200
    assert deployed.outside.told(me)[-1]["code"] == "unauthenticated", "who has left is forgotten"


def test_a_bundle_out_of_a_bucket_becomes_a_roster(deployed: Deployed, tmp_path: Path) -> None:
    """By boto3 of the runtime, not of the zip; a second time nothing changes, and what is not there is told."""
    content = zipped(tmp_path / "school.zip", texts(small_school())).read_bytes()
    deployed.outside.objects["/uploads/school.zip"] = content
    event = {"bucket": "uploads", "key": "school.zip", "tenant": "hill", "timezone": "Europe/London"}
    told = deployed.box.invoke("import_roster", event)
    assert (told["imported"], told["changed"], told["counts"]["student"]["created"]) == (True, True, 2)
    assert not deployed.box.invoke("import_roster", event)["changed"]
    told = deployed.box.invoke("import_roster", {**event, "key": "other.zip"})
    assert told["detail"] == "There is no other.zip in the bucket uploads."


def test_accept_and_status_import_no_postgres_and_no_aws(deployed: Deployed) -> None:
    """With the roster in Redis, as it is after the first register of a tenant; a question to the records needs both."""
    deployed.mark()
    job = deployed.mark(function="probe")
    assert deployed.ask("GET", f"/jobs/{job}", function="probe")[1]["state"] == "waiting"
    heavy = {"sqlalchemy", "pg8000", "alembic", "boto3", "botocore"}
    loaded = set(deployed.box.invoke("probe", {"loaded": True}))
    assert {"redis", "pydantic", "chalice", "jwt"} <= loaded
    assert not heavy & loaded
    deployed.ask("GET", "/records", date=str(TODAY), function="probe")
    assert {"sqlalchemy", "pg8000"} <= set(deployed.box.invoke("probe", {"loaded": True}))
