"""Embedded servers: what they keep, where they listen, and that they come back after a crash."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from pg8000.native import Connection, DatabaseError
from redis import Redis
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from local.servers import EmbeddedPostgres, EmbeddedRedis, ServerError, server

Query = Callable[[EmbeddedPostgres, str], list[list[Any]]]


def test_postgres_answers_sqlalchemy_on_its_socket_and_on_tcp() -> None:
    with EmbeddedPostgres() as postgres:
        for url in (postgres.url("postgres"), postgres.tcp_url("postgres")):
            engine = create_engine(url, connect_args={"ssl_context": False}, poolclass=NullPool)
            with engine.connect() as connection:
                version = connection.scalar(text("select current_setting('server_version_num')::int"))
                assert version is not None
                assert version >= 180_000


def test_tcp_needs_the_password_and_the_socket_does_not(query: Query) -> None:
    with EmbeddedPostgres() as postgres:
        assert query(postgres, "select current_user::text") == [["postgres"]]
        with pytest.raises(DatabaseError, match="password authentication failed"):
            Connection("postgres", host="127.0.0.1", port=postgres.port, password="guess", ssl_context=False)


@pytest.mark.parametrize(("durable", "fsync"), [(True, "on"), (False, "off")])
def test_only_a_durable_postgres_waits_for_the_disk(durable: bool, fsync: str, query: Query) -> None:
    with EmbeddedPostgres(durable=durable) as postgres:
        settings = query(
            postgres,
            "select name, setting from pg_settings where name in"
            " ('fsync', 'synchronous_commit', 'full_page_writes', 'TimeZone', 'jit', 'random_page_cost')",
        )
    assert dict(settings) == {
        "fsync": fsync,
        "synchronous_commit": fsync,
        "full_page_writes": fsync,
        "TimeZone": "UTC",
        "jit": "off",
        "random_page_cost": "1.1",
    }


def test_text_is_utf8_whatever_the_locale_of_the_machine(monkeypatch: pytest.MonkeyPatch, query: Query) -> None:
    for variable in ("LANG", "LC_ALL"):
        monkeypatch.setenv(variable, "xx_YY.UTF-8")
    with EmbeddedPostgres() as postgres:
        assert query(postgres, "select upper('zoë'), current_setting('server_encoding')") == [["ZOË", "UTF8"]]


def test_postgres_killed_comes_back_at_its_address_with_what_was_committed(query: Query) -> None:
    with EmbeddedPostgres(durable=True) as postgres:
        address = postgres.url(), postgres.tcp_url()
        query(postgres, "create table kept as select 42 as answer")
        postgres.kill()
        assert not postgres.running
        postgres.start()
        assert query(postgres, "select answer from kept") == [[42]]
        postgres.restart()
        assert query(postgres, "select answer from kept") == [[42]]
        assert (postgres.url(), postgres.tcp_url()) == address


def test_redis_killed_keeps_its_data_only_with_appendonly() -> None:
    for appendonly, kept in ((True, b"here"), (False, None)):
        with (
            EmbeddedRedis(appendonly=appendonly) as server_,
            Redis.from_url(server_.url(3)) as by_socket,
            Redis.from_url(server_.tcp_url(3)) as by_tcp,
        ):
            by_socket.set("mark", "here")
            assert by_tcp.get("mark") == b"here"
            server_.kill()
            server_.start()
            assert by_socket.get("mark") == kept
            assert by_tcp.get("mark") == kept


def test_redis_never_evicts() -> None:
    with EmbeddedRedis() as redis, Redis.from_url(redis.url()) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_named_folder_keeps_data_and_password(open_folder: Path, query: Query) -> None:
    with EmbeddedPostgres(open_folder, durable=True) as first:
        query(first, "create table kept as select 42 as answer")
        password = first.password
    with EmbeddedPostgres(open_folder, durable=True) as second:
        assert query(second, "select answer from kept") == [[42]]
        assert second.password == password


def test_closing_removes_what_was_temporary() -> None:
    with EmbeddedPostgres() as postgres, EmbeddedRedis() as redis:
        folders = [postgres.folder, postgres.sockets, redis.folder, redis.sockets]
        assert all(folder.exists() for folder in folders)
    assert not any(folder.exists() for folder in folders)


def test_servers_started_at_once_do_not_collide(query: Query) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        servers: list[Any] = [EmbeddedPostgres(), EmbeddedPostgres(), EmbeddedRedis(), EmbeddedRedis()]
        for started in pool.map(lambda one: one.start(), servers):
            stack.callback(started.close)
        assert len({one.port for one in servers}) == 4
        query(servers[0], "create table only_here ()")
        assert query(servers[1], "select to_regclass('only_here') is null") == [[True]]


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedRedis])
def test_a_port_that_somebody_takes_first_is_exchanged_for_another(
    kind: type[EmbeddedPostgres | EmbeddedRedis], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.socket()) as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        taken = rival.getsockname()[1]
        ports = iter([taken, server.free_port()])
        monkeypatch.setattr(server, "free_port", lambda: next(ports))
        with kind() as one:
            assert one.port != taken


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedRedis])
def test_a_named_port_that_is_taken_is_an_error_that_shows_the_log(
    kind: type[EmbeddedPostgres | EmbeddedRedis],
) -> None:
    with closing(socket.socket()) as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        with pytest.raises(ServerError, match=r"(?s)did not start.*in use"), kind(port=rival.getsockname()[1]):
            pytest.fail("it started")


def test_a_lock_file_whose_process_id_another_program_got_is_no_obstacle(query: Query) -> None:
    with EmbeddedPostgres(durable=True) as postgres:
        query(postgres, "create table kept as select 42 as answer")
        postgres.kill()
        bystander = subprocess.Popen(["/bin/sleep", "60"], cwd="/", **postgres.user.drop)
        try:
            lock = postgres.data / "postmaster.pid"
            lock.write_text("\n".join([str(bystander.pid), *lock.read_text().split("\n")[1:]]))
            postgres.start()
            assert query(postgres, "select answer from kept") == [[42]]
        finally:
            bystander.kill()
            bystander.wait()


def test_a_second_server_on_the_same_data_is_refused(open_folder: Path) -> None:
    with EmbeddedPostgres(open_folder) as first:
        with pytest.raises(ServerError, match="did not start"), EmbeddedPostgres(open_folder):
            pytest.fail("two servers on one cluster")
        assert first.running


def test_an_initdb_that_was_cut_short_is_done_again(open_folder: Path, query: Query) -> None:
    half_made = open_folder / "pg18.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(open_folder) as postgres:
        assert query(postgres, "select 1") == [[1]]


def test_a_server_that_is_down_has_no_process_id() -> None:
    redis = EmbeddedRedis()
    with pytest.raises(ServerError, match="not running"):
        _ = redis.pid
    redis.close()


def test_the_servers_do_not_run_as_root() -> None:
    with EmbeddedPostgres() as postgres, EmbeddedRedis() as redis:
        for one in (postgres, redis):
            assert psutil.Process(one.pid).uids().real == (one.user.drop.get("user") or os.geteuid()) != 0
