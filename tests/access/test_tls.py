"""Postgres and Redis behind certificates of an authority: only the right server, rightly named, is talked to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from chalicelib.access.redis_client import make_redis
from chalicelib.config import BadSettings, Settings
from chalicelib.db.engine import make_engine
from chalicelib.db.session import Database
from chalicelib.errors import Unavailable
from chalicelib.queue import JobQueue
from local.servers import EmbeddedPostgres, EmbeddedRedis
from tests.access.certificates import Authority
from tests.access.tls_door import tls_door
from tests.conftest import APP_ROLE
from tests.unit.test_config import PROD

PASSWORD = "the app's, over TCP"


@dataclass(frozen=True, slots=True)
class Doors:
    """Ports with TLS before both servers; their certificate is for `localhost`, and comes from `right`."""

    postgres: int
    redis: int
    right: Path
    wrong: Path

    def postgres_url(self, host: str, root: Path, mode: str = "verify-full") -> str:
        """The migrated database as the app's role."""
        user = f"{APP_ROLE}:{quote(PASSWORD)}"
        return f"postgresql://{user}@{host}:{self.postgres}/rollcall?sslmode={mode}&sslrootcert={root}"

    def redis_url(self, host: str, root: Path) -> str:
        """An empty database."""
        return f"rediss://{host}:{self.redis}/0?ssl_ca_certs={root}"


@pytest.fixture(scope="module")
def doors(
    tmp_path_factory: pytest.TempPathFactory, postgres: EmbeddedPostgres, redis_server: EmbeddedRedis, database_url: str
) -> Iterator[Doors]:
    """TLS before the servers of this run."""
    admin = make_engine(postgres.url())
    with admin.begin() as connection:
        connection.exec_driver_sql(f"alter role {APP_ROLE} password '{PASSWORD.replace(chr(39), chr(39) * 2)}'")
    admin.dispose()
    right, wrong = (Authority(tmp_path_factory.mktemp("authority"), name) for name in ("right", "wrong"))
    certificate = right.certify("localhost")
    with (
        tls_door(certificate, postgres.port, postgres=True) as postgres_port,
        tls_door(certificate, redis_server.port) as redis_port,
    ):
        yield Doors(postgres_port, redis_port, right.file, wrong.file)


def ask_postgres(url: str) -> None:
    """A transaction. Raises Unavailable."""
    with closing(Database(make_engine(url))) as database:
        database.ping()


def ask_redis(url: str) -> None:
    """A look at the queue. Raises Unavailable."""
    with make_redis(url) as client:
        JobQueue(client).counts()


def test_the_right_postgres_is_talked_to(doors: Doors) -> None:
    """Its certificate comes from the authority named and is for the host named."""
    ask_postgres(doors.postgres_url("localhost", doors.right))


def test_the_right_redis_is_talked_to(doors: Doors) -> None:
    """The same."""
    ask_redis(doors.redis_url("localhost", doors.right))


def test_a_certificate_of_another_authority_is_refused(doors: Doors) -> None:
    """Anybody can make one for any host."""
    with pytest.raises(Unavailable) as fault:
        ask_postgres(doors.postgres_url("localhost", doors.wrong))
    assert "unable to get local issuer certificate" in told(fault.value)
    with pytest.raises(Unavailable) as fault:
        ask_redis(doors.redis_url("localhost", doors.wrong))
    assert "unable to get local issuer certificate" in told(fault.value)


def test_authorities_of_the_system_are_not_believed_beside_the_one_named(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis' own client would."""
    monkeypatch.setenv("SSL_CERT_FILE", str(doors.right))
    for ask, url in (
        (ask_postgres, doors.postgres_url("localhost", doors.wrong)),
        (ask_redis, doors.redis_url("localhost", doors.wrong)),
    ):
        with pytest.raises(Unavailable):
            ask(url)
    ask_postgres(doors.postgres_url("localhost", Path("system")))


def test_a_certificate_for_another_host_is_refused(doors: Doors) -> None:
    """The address is right, its name is not in the certificate."""
    with pytest.raises(Unavailable) as fault:
        ask_postgres(doors.postgres_url("127.0.0.1", doors.right))
    assert "certificate is not valid for '127.0.0.1'" in told(fault.value)
    with pytest.raises(Unavailable) as fault:
        ask_redis(doors.redis_url("127.0.0.1", doors.right))
    assert "certificate is not valid for '127.0.0.1'" in told(fault.value)


def test_a_server_without_tls_is_refused(doors: Doors, postgres: EmbeddedPostgres, redis_server: EmbeddedRedis) -> None:
    """Before a password is sent."""
    url = doors.postgres_url("localhost", doors.right).replace(f":{doors.postgres}/", f":{postgres.port}/")
    with pytest.raises(Unavailable) as fault:
        ask_postgres(url)
    assert "Server refuses SSL" in told(fault.value)
    with pytest.raises(Unavailable):
        ask_redis(f"rediss://localhost:{redis_server.port}/0?ssl_ca_certs={doors.right}&socket_timeout=0.3")


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": "postgresql://app@db/rollcall"},
        {"DATABASE_URL": "postgresql://app@db/rollcall?sslmode=disable"},
        {"DATABASE_URL": "postgresql://app@db/rollcall?sslmode=require"},
        {"DATABASE_URL": "postgresql://app@db/rollcall?sslmode=disable&sslmode=verify-full"},
        {"MIGRATION_DATABASE_URL": "postgresql://owner@db/rollcall?sslmode=prefer"},
        {"REDIS_URL": "redis://cache:6379/0"},
        {"REDIS_URL": "unix:///run/redis.sock"},
        {"REDIS_URL": "rediss://cache:6379/0?ssl_cert_reqs=none"},
        {"REDIS_URL": "rediss://cache:6379/0?ssl_check_hostname=false"},
    ],
)
def test_outside_of_a_laptop_nothing_else_is_accepted(stage: str, variables: dict[str, str]) -> None:
    """The function that was told so does not start."""
    [name] = variables
    with pytest.raises(BadSettings, match=f"^{name} must "):
        Settings.from_environment(PROD | variables | {"ROLLCALL_STAGE": stage})


def test_a_context_is_made_once(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes tens of milliseconds: an engine makes one, and so do all clients of Redis together."""
    engine = make_engine(doors.postgres_url("localhost", doors.right))
    ask_redis(doors.redis_url("localhost", doors.right))
    monkeypatch.setattr("ssl.create_default_context", lambda **_: pytest.fail("another context"))
    for _ in range(2):
        engine.dispose()
        Database(engine).ping()
        ask_redis(doors.redis_url("localhost", doors.right))
    engine.dispose()


def told(error: BaseException | None) -> str:
    """An error and its causes."""
    return "" if error is None else f"{error}\n{told(error.__cause__ or error.__context__)}"
