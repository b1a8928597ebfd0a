"""The demo: one command does the main job, tells of it, and leaves nothing behind."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import psutil
import pytest
from redis import Redis
from sqlalchemy import Engine

from chalicelib.db.engine import make_engine
from chalicelib.db.ids import tenant_id
from chalicelib.services.actor import Actor
from chalicelib.services.tickets import Ticket, Tickets
from local.client import Client
from local.demo import story
from local.demo_school import OTHER, write_school
from local.faults import StackFault
from local.postgres_in_use import APP_ROLE
from local.school_day import open_school_day
from local.servers import EmbeddedPostgres, EmbeddedRedis
from local.servers.supervised import is_alive
from local.stack import Stack
from tests.e2e.conftest import LONG_S, Command, consumers_below

pytestmark = pytest.mark.e2e

TENANT = "demo"


def test_the_demo_marks_500_students_corrects_one_and_shows_who_did_what(command: Command) -> None:
    """On whatever day this runs."""
    out, err = (process := command("demo")).communicate(timeout=LONG_S)
    assert process.returncode == 0, err
    assert "One request marks 500 students" in out
    assert "500 applied, 0 unchanged, 0 superseded, 0 rejected" in out
    assert "1 applied" in out
    assert out.count("by WebSocket") == 2
    assert re.search(r"marked ABSENT .*\n.*ABSENT -> EXCUSED", out)
    assert "(admin)" in out
    assert "doctor's note" in out
    assert "Everything" in out
    assert max(map(len, out.splitlines())) <= 90
    assert "\x1b" not in out, "colours are for terminals"
    assert err == ""


def test_a_roster_of_a_past_year_is_marked_within_that_year(command: Command, tmp_path: Path) -> None:
    """A smaller school has fewer than 500: all of them are marked."""
    write_school(OTHER, tmp_path, date(2019, 3, 5))
    out, err = (process := command("demo", "--roster", str(tmp_path))).communicate(timeout=LONG_S)
    assert process.returncode == 0, err
    assert re.search(r"marks 60 students of Assembly for \w+, 2019-11-30", out)
    assert "60 applied" in out


def test_a_roster_that_is_none_is_refused_in_one_line(command: Command, tmp_path: Path) -> None:
    out, err = (process := command("demo", "--roster", str(tmp_path))).communicate(timeout=LONG_S)
    assert process.returncode == 1
    assert err.startswith("Error: manifest.csv")
    assert err.count("\n") == 1
    assert "202" not in out


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_can_be_interrupted_and_leaves_no_process(command: Command, how: signal.Signals) -> None:
    process = command("demo")
    family = _family_with_servers(process.pid)
    process.send_signal(how)
    _, err = process.communicate(timeout=LONG_S)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert [one for one in family if is_alive(one)] == []


def test_the_demo_runs_on_servers_of_ones_own_again_and_again(
    command: Command, owner_engine: Engine, postgres: EmbeddedPostgres, redis_server: EmbeddedRedis
) -> None:
    """The owner's URL is enough: over TCP, where the app's role needs the password that is made for it."""
    urls = {"DATABASE_URL": postgres.tcp_url("rollcall"), "REDIS_URL": redis_server.tcp_url(5)}
    urls["DATABASE_URL"] = urls["DATABASE_URL"].replace("postgresql+pg8000://", "postgres://")
    for outcome in ("500 applied, 0 unchanged", "1 applied, 499 unchanged"):
        out, err = (process := command("demo", **urls)).communicate(timeout=LONG_S)
        assert process.returncode == 0, err
        assert outcome in out
    with Redis.from_url(redis_server.tcp_url(5)) as client:
        assert client.dbsize()
        client.flushdb()


def test_the_apps_role_alone_cannot_migrate_and_the_demo_says_so(
    command: Command, owner_engine: Engine, postgres: EmbeddedPostgres
) -> None:
    admin = make_engine(postgres.url())
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("drop database if exists bare")
        connection.exec_driver_sql("create database bare")
    admin.dispose()
    _, err = (process := command("demo", DATABASE_URL=postgres.url("bare", APP_ROLE))).communicate(timeout=LONG_S)
    assert process.returncode == 1
    assert "The database is not migrated" in err
    assert err.count("\n") == 1


def test_a_redis_that_may_drop_jobs_is_refused(command: Command, redis_server: EmbeddedRedis) -> None:
    with Redis.from_url(redis_server.url()) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            _, err = (process := command("demo", REDIS_URL=redis_server.url())).communicate(timeout=LONG_S)
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    assert process.returncode == 1
    assert "noeviction" in err
    assert err.count("\n") == 1


def test_a_postgres_that_is_not_there_is_told_without_its_password(command: Command) -> None:
    url = "postgresql://owner:very-secret@127.0.0.1:9/rollcall"
    out, err = (process := command("demo", DATABASE_URL=url)).communicate(timeout=LONG_S)
    assert process.returncode == 1
    assert "127.0.0.1:9" in err
    assert "refused" in err
    assert "very-secret" not in json.dumps([out, err])


class Used(Tickets):
    """Issues tickets that somebody else has used already."""

    def issue(self, actor: Actor) -> Ticket:
        ticket = super().issue(actor)
        self.redeem(ticket.ticket)
        return ticket


@pytest.fixture
def office(stack: Stack) -> Iterator[Client]:
    """The office of a small school."""
    with Client(stack.base, stack.token("office", TENANT)) as client:
        yield client


def mark(stack: Stack, office: Client) -> story.Request:
    """A mark of a few students that was accepted."""
    with Client(stack.base, stack.token("admin", TENANT)) as admin:
        day = open_school_day(admin)
    return story.mark(office, day, story.gather(office, day, most=3))


@pytest.fixture
def paused(stack: Stack) -> Iterator[None]:
    """Nothing of the tenant is drained until `resume`."""
    stack.container.queue.pause(tenant_id(TENANT))
    yield
    stack.container.queue.resume(tenant_id(TENANT))


def test_a_job_is_followed_by_websocket(stack: Stack, office: Client) -> None:
    request = mark(stack, office)
    ways: list[str] = []
    jobs = list(story.follow(request, ways.append))
    assert (jobs[-1]["jobId"], jobs[-1]["state"]) == (request.job_id, "completed")
    assert ways == ["WebSocket"]


@pytest.mark.parametrize("refusal", ["no ticket", "nobody listens", "handshake refused"])
def test_without_a_websocket_the_job_is_asked_for(
    stack: Stack, office: Client, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    """It ends as it does with one."""
    redis, settings = stack.container.redis, stack.container.settings
    tickets = {
        "no ticket": Tickets(redis, settings.queue_name, None),
        "nobody listens": Tickets(redis, settings.queue_name, "ws://127.0.0.1:9/ws"),
        "handshake refused": Used(redis, settings.queue_name, settings.websocket_url),
    }
    monkeypatch.setattr(stack.container, "tickets", tickets[refusal])
    request = mark(stack, office)
    ways: list[str] = []
    jobs = list(story.follow(request, ways.append))
    assert (jobs[-1]["jobId"], jobs[-1]["state"]) == (request.job_id, "completed")
    assert ways == ["polling"]


def test_a_websocket_that_breaks_costs_nothing(stack: Stack, office: Client, paused: None) -> None:
    """What comes after is asked for."""
    ways: list[str] = []
    jobs = story.follow(mark(stack, office), ways.append)
    assert next(jobs)["state"] == "waiting"
    assert ways == ["WebSocket"]
    for key in stack.container.redis.scan_iter("*:live:*=}"):
        connection = key.decode().rpartition("{")[2].removesuffix("}")
        httpx.delete(f"{stack.base}/@connections/{connection}", trust_env=False)
    stack.container.queue.resume(tenant_id(TENANT))
    assert list(jobs)[-1]["state"] == "completed"
    assert ways == ["WebSocket", "polling"]


def test_a_job_that_does_not_complete_is_a_fault(stack: Stack, office: Client, paused: None) -> None:
    """Here the office takes it off the list."""
    request = mark(stack, office)
    headers = {"Authorization": f"Bearer {request.token}"}
    httpx.delete(f"{request.url}/jobs/{request.job_id}", headers=headers, trust_env=False).raise_for_status()
    with pytest.raises(StackFault, match=f"{request.job_id} is cancelled"):
        list(story.follow(request, lambda _: None))


def _family_with_servers(pid: int) -> list[psutil.Process]:
    """All processes below `pid`, as soon as the consumer is among them."""
    deadline = time.monotonic() + LONG_S
    while not consumers_below(pid):
        assert time.monotonic() < deadline, "no consumer was started"
        time.sleep(0.02)
    return psutil.Process(pid).children(recursive=True)
