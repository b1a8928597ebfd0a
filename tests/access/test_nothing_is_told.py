"""Whatever goes wrong, no password is in a log, on the screen, or in an answer."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import jwt
import pytest

import app
from chalicelib.db.session import Database
from local.servers import EmbeddedPostgres, EmbeddedRedis
from local.settings import environment, in_environment
from local.tokens import AUDIENCE, ISSUER
from tests.access.certificates import Authority
from tests.access.tls_door import tls_door
from tests.access.vault import Vault
from tests.api.client import Client
from tests.conftest import APP_ROLE
from tests.crash.conftest import KEY
from tests.crash.school_online import register
from tests.school import School

PASSWORD = "xyzzy-the-password"
USER = f"{APP_ROLE}:{PASSWORD}"
UNKNOWN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:unknown-AbCdEf"
NOBODY = "127.0.0.1:1"


@pytest.fixture
def faults(
    postgres: EmbeddedPostgres, redis_server: EmbeddedRedis, redis_url: str, database_url: str, vault: Vault,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, dict[str, str]]]:  # fmt: skip
    """What is wrong, and the environment by which it is."""
    folder = tmp_path_factory.mktemp("authorities")
    right, wrong = Authority(folder, "right"), Authority(folder, "wrong")
    odd = vault.client.create_secret(Name="odd", SecretString=json.dumps({"password": PASSWORD}))["ARN"]
    refused = vault.keep(APP_ROLE, PASSWORD)
    there, cache = f"127.0.0.1:{postgres.port}/rollcall", f"127.0.0.1:{redis_server.port}/0"
    with ExitStack() as opening:
        certificate = right.certify("localhost")
        behind = opening.enter_context(tls_door(certificate, postgres.port, postgres=True))
        redis_behind = opening.enter_context(tls_door(certificate, redis_server.port))
        tls = f"localhost:{behind}/rollcall?sslmode=verify-full&sslrootcert={wrong.file}"
        cases = {
            "Postgres is away": {"DATABASE_URL": f"postgresql://{USER}@{NOBODY}/rollcall"},
            "Postgres refuses the password": {"DATABASE_URL": f"postgresql://{USER}@{there}"},
            "Postgres refuses that of the secret": {
                "DATABASE_URL": f"postgresql://{there}", "DATABASE_SECRET_ARN": refused,
            },
            "Postgres has another certificate": {"DATABASE_URL": f"postgresql://{USER}@{tls}"},
            "Postgres has no TLS": {"DATABASE_URL": f"postgresql://{USER}@{there}?sslmode=verify-full"},
            "there is no such database": {"DATABASE_URL": f"postgresql://{USER}@{there}-not"},
            "Redis is away": {"REDIS_URL": f"redis://{USER}@{NOBODY}/0"},
            "Redis refuses the password": {"REDIS_URL": f"redis://{USER}@{cache}"},
            "Redis refuses that of the secret": {"REDIS_URL": f"redis://{cache}", "REDIS_SECRET_ARN": refused},
            "Redis has another certificate": {
                "REDIS_URL": f"rediss://{USER}@localhost:{redis_behind}/0?ssl_ca_certs={wrong.file}"
            },
            "Redis has no TLS": {"REDIS_URL": f"rediss://{USER}@{cache}?socket_timeout=0.3"},
            "the secret is not there": {"REDIS_URL": f"redis://{cache}", "REDIS_SECRET_ARN": UNKNOWN},
            "the secret is of another form": {"REDIS_URL": f"redis://{cache}", "REDIS_SECRET_ARN": odd},
            "Secrets Manager is away": {
                "REDIS_URL": f"redis://{cache}", "REDIS_SECRET_ARN": refused,
                "AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://{NOBODY}",
            },
        }  # fmt: skip
        usual = environment(database_url=database_url, redis_url=redis_url, key=KEY, pool=2) | vault.variables
        yield {name: usual | case for name, case in cases.items()}


def test_no_password_is_told(
    faults: dict[str, dict[str, str]],
    database: Database,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Each fault is met by requests that need both servers and told as 503; all that is said is looked through."""
    school = School(database)
    section = school.section(students=2)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "tenant_id": school.tenant, "roles": ["office"]}
    client = Client({"authorization": f"Bearer {jwt.encode(claims | {'exp': time.time() + 600}, KEY, 'HS256')}"})
    logging.getLogger("botocore").setLevel(logging.WARNING)  # a test's own client, not the app's
    for name, variables in faults.items():
        caplog.clear()
        with caplog.at_level(logging.DEBUG), an_app(variables):
            answers = [
                client.post("/mark", register(section)),
                client.get("/records", {"section_id": section.id, "date": register(section)["date"]}),
                client.get("/health"),
            ]
        shown = capfd.readouterr()
        logged = caplog.text + "".join(repr(vars(record)) for record in caplog.records)
        everything = logged + shown.out + shown.err + "".join(one.text + repr(one.headers) for one in answers)
        assert 503 in {one.status for one in answers}, name
        assert {one.status for one in answers} <= {200, 202, 503}, name
        for secret in (PASSWORD, KEY, variables["AWS_SESSION_TOKEN"]):
            assert secret not in everything, f"{name}: {secret}"


@contextmanager
def an_app(variables: dict[str, str]) -> Iterator[None]:
    """The app of this process, made for an environment."""
    with in_environment(variables):
        app.container.cache_clear()
        app.authenticator.cache_clear()
        yield
        app.container().close()
    app.container.cache_clear()
    app.authenticator.cache_clear()
