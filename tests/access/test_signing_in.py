"""Connections are signed in with what is valid when they are made, end when they are old, and take a token for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from redis import Redis, RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import Engine, text

from chalicelib.access import redis_client
from chalicelib.access.login import Login
from chalicelib.access.redis_client import make_redis
from chalicelib.access.tokens import PostgresToken, RedisToken
from chalicelib.db.engine import make_engine
from chalicelib.db.session import Database
from chalicelib.errors import Unavailable
from chalicelib.server_settings import AwsSettings, RedisIam
from local.servers import EmbeddedPostgres, EmbeddedRedis
from tests.conftest import APP_ROLE
from tests.queue.cluster import three_servers

AT = datetime(2026, 9, 1, 7, 59, tzinfo=UTC)
AWS = AwsSettings("eu-west-1", "AKIDEXAMPLE", "a secret key", "a long token of a session " * 40, "")


class Offers:
    """Logins in this order; `asked` counts how often they were wanted."""

    def __init__(self, *logins: Login) -> None:
        self._logins, self.asked = logins, 0

    def offers(self) -> Iterator[Login]:
        self.asked += 1
        yield from self._logins


WRONG, RIGHT = Login("app", "wrong"), Login("app", "right")


@pytest.fixture
def guarded(redis: Redis) -> Iterator[Redis]:
    """A Redis whose user `app` has the password `right`."""
    redis.acl_setuser("app", enabled=True, reset=True, passwords=["+right"], keys=["*"], commands=["+@all"])
    yield redis
    redis.acl_deluser("app")


@pytest.mark.usefixtures("guarded")
def test_redis_is_offered_the_next_login_on_the_same_connection(redis_server: EmbeddedRedis) -> None:
    """Over TCP and by its socket."""
    for url in (redis_server.tcp_url(), redis_server.url()):
        with make_redis(url, Offers(WRONG, RIGHT)) as client:
            assert client.acl_whoami() == "app"


@pytest.mark.usefixtures("guarded")
def test_redis_that_refuses_all_is_an_outage(redis_server: EmbeddedRedis) -> None:
    """And what it was tried with is not told."""
    with make_redis(redis_server.tcp_url(), Offers(WRONG)) as client:
        with pytest.raises(RedisConnectionError) as refused:
            client.ping()
        assert "wrong" not in f"{refused.value} {client!r} {client.connection_pool!r}"


@pytest.mark.usefixtures("guarded")
def test_a_connection_that_could_not_be_signed_in_is_not_used(redis_server: EmbeddedRedis) -> None:
    """Nobody can be asked for the password: an outage of Redis' kind, as all of the code expects, until one can."""

    class Away(Offers):
        def offers(self) -> Iterator[Login]:
            if self.asked < 2:
                self.asked += 1
                raise Unavailable("Secrets Manager does not answer.")
            yield RIGHT

    with make_redis(redis_server.tcp_url(), Away()) as client:
        with pytest.raises(RedisConnectionError, match="Secrets Manager does not answer"):
            client.ping()
        assert client.acl_whoami() == "app"


@pytest.mark.usefixtures("guarded")
def test_an_old_connection_is_made_anew(redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a password of before goes out of use, and AWS never comes to end one that was signed in by IAM."""
    offers = Offers(RIGHT)
    with make_redis(redis_server.tcp_url(), offers) as client:
        ids = [client.client_id() for _ in range(2)]
        assert (ids[0] == ids[1], offers.asked) == (True, 1)
        monkeypatch.setattr(redis_client, "LIFETIME_S", -1)
        assert client.client_id() != ids[0]
        assert offers.asked == 2


def test_each_server_of_a_cluster_is_signed_in_to() -> None:
    """The client of a cluster makes its connections itself."""
    with three_servers() as servers:
        for node in (servers.owner, servers.other, servers.replica):
            node.client.acl_setuser(
                "app", enabled=True, reset=True, passwords=["+right"], keys=["*"], channels=["*"], commands=["+@all"]
            )
            node.client.acl_setuser("default", enabled=False)
        offers = Offers(WRONG, RIGHT)
        client = make_redis(f"redis://127.0.0.1:{servers.other.server.port}/0", offers, cluster=True)
        assert isinstance(client, RedisCluster)
        for key in ("a", "b", "c", "d", "e", "f"):
            client.set(key, key)
        assert {client.get(key) for key in ("a", "b", "c")} == {b"a", b"b", b"c"}
        client.close()


def test_postgres_is_offered_the_next_login(postgres: EmbeddedPostgres, owner_engine: Engine) -> None:
    """On a connection of its own each; what is wrong otherwise is not tried again."""
    with owner_engine.begin() as connection:
        connection.execute(text(f"alter role {APP_ROLE} password 'right'"))
    offers = Offers(Login(APP_ROLE, "wrong"), Login(APP_ROLE, "right"))
    url = f"postgresql://127.0.0.1:{postgres.port}/rollcall"
    with closing(Database(make_engine(url, access=offers))) as database, database.transaction() as connection:
        assert connection.scalar(text("select current_user")) == APP_ROLE
    nowhere = url.replace("/rollcall", "/nowhere")
    offers = Offers(Login(APP_ROLE, "right"), Login(APP_ROLE, "wrong"))
    with closing(Database(make_engine(nowhere, access=offers))) as database, pytest.raises(Unavailable) as fault:
        database.ping()
    assert 'database "nowhere" does not exist' in str(fault.value.__cause__)


def test_a_token_does_as_a_password(
    postgres: EmbeddedPostgres, redis_server: EmbeddedRedis, owner_engine: Engine, redis: Redis
) -> None:
    """With all its length and signs. That AWS accepts it is on paper: here the servers were told it."""
    postgres_token = PostgresToken(AWS, "127.0.0.1", postgres.port, APP_ROLE, lambda: AT)
    redis_token = RedisToken(AWS, RedisIam("node", "rollcall-dev"), "rollcall-dev-app", lambda: AT)
    [of_postgres], [of_redis] = postgres_token.offers(), redis_token.offers()
    with owner_engine.begin() as connection:
        connection.exec_driver_sql(f"alter role {APP_ROLE} password '{of_postgres.password}'")
    passwords = [f"+{of_redis.password}"]
    redis.acl_setuser(of_redis.user, enabled=True, reset=True, passwords=passwords, keys=["*"], commands=["+@all"])
    url = f"postgresql://{APP_ROLE}@127.0.0.1:{postgres.port}/rollcall"
    with closing(Database(make_engine(url, access=postgres_token))) as database:
        database.ping()
    with make_redis(f"redis://{of_redis.user}@127.0.0.1:{redis_server.port}/0", redis_token) as client:
        assert client.acl_whoami() == of_redis.user
    redis.acl_deluser(of_redis.user)


def test_a_connection_to_what_became_a_standby_is_left(database_url: str) -> None:
    """It would refuse every write; the next one leads to whoever is primary now."""
    with closing(Database(make_engine(database_url))) as database:

        def write() -> None:
            with database.transaction() as connection:
                pids.append(connection.scalar(text("select pg_backend_pid()")))
                connection.execute(text("set transaction read only"))  # as a standby is
                connection.execute(text("create table never (id int)"))

        pids: list[int] = []
        for _ in range(2):
            with pytest.raises(Unavailable):
                write()
    assert pids[0] != pids[1]
