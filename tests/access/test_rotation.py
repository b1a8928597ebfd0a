"""Both passwords change, again and again, while registers pour in and are drained: nobody notices."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import httpx
import pytest
from redis import Redis
from sqlalchemy import Engine

from chalicelib.access import redis_client, secret
from chalicelib.config import Settings
from chalicelib.container import Container
from chalicelib.db import engine as db_engine
from chalicelib.db.session import Database
from chalicelib.queue import JobQueue
from local.servers import EmbeddedPostgres, EmbeddedRedis
from local.settings import environment
from tests.access.vault import Vault
from tests.conftest import APP_ROLE
from tests.crash.conftest import KEY
from tests.crash.process import until
from tests.crash.school_online import office, register
from tests.school import School, Section

REQUESTS = 6
"""Answered between two steps, at least."""


class Rotation:
    """The two servers and their secrets."""

    def __init__(self, vault: Vault, owner: Engine, redis: Redis) -> None:
        self._vault, self._owner, self._redis = vault, owner, redis
        first, second = _password(), _password()
        self.postgres_set(first)
        self.redis_set(second)
        self.postgres, self.redis = vault.keep(APP_ROLE, first), vault.keep(APP_ROLE, second)

    def postgres_set(self, password: str) -> None:
        """The server has another password."""
        with self._owner.begin() as connection:
            connection.exec_driver_sql(f"alter role {APP_ROLE} password '{password}'")

    def redis_set(self, *passwords: str) -> None:
        """The server has these passwords and no other."""
        rules = ["reset", "on", "~*", "&*", "+@all", "-@dangerous", "-@admin", "+info"]
        command = ("ACL", "SETUSER", APP_ROLE, *rules, *(f">{password}" for password in passwords))
        self._redis.execute_command(*command)  # type: ignore[no-untyped-call]

    def as_aws_does(self) -> Iterator[None]:
        """Its rotation function: secret pending, server, secret current. Pauses are where requests come between."""
        postgres, redis = _password(), _password()
        versions = [
            self._vault.pend(self.postgres, APP_ROLE, postgres), self._vault.pend(self.redis, APP_ROLE, redis)
        ]  # fmt: skip
        yield
        self.postgres_set(postgres)
        self.redis_set(redis)
        yield
        for arn, version in zip((self.postgres, self.redis), versions, strict=True):
            self._vault.finish(arn, version)
        yield

    def as_terraform_does(self) -> Iterator[None]:
        """`redis_password_version` is raised: the secret first, then the server, which keeps the one before."""
        before, new = self._vault.password(self.redis), _password()
        self._vault.finish(self.redis, self._vault.pend(self.redis, APP_ROLE, new))
        yield
        self.redis_set(new, before)
        yield
        self.redis_set(new)
        yield


@pytest.fixture
def rotation(vault: Vault, owner_engine: Engine, redis: Redis) -> Iterator[Rotation]:
    """Postgres and Redis with passwords that stand in secrets."""
    yield Rotation(vault, owner_engine, redis)
    redis.acl_deluser(APP_ROLE)


@pytest.fixture
def variables(
    rotation: Rotation, vault: Vault, postgres: EmbeddedPostgres, redis_server: EmbeddedRedis
) -> dict[str, str]:
    """The environment of a function: URLs without passwords, ARNs."""
    urls = environment(
        database_url=f"postgresql://127.0.0.1:{postgres.port}/rollcall",
        redis_url=redis_server.tcp_url(),
        key=KEY,
        pool=2,
    )
    return {**urls, **vault.variables, "DATABASE_SECRET_ARN": rotation.postgres, "REDIS_SECRET_ARN": rotation.redis}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every use of a server opens a connection, and every refusal has the secret read."""
    monkeypatch.setattr(db_engine, "LIFETIME_S", 0)
    monkeypatch.setattr(redis_client, "LIFETIME_S", -1)
    monkeypatch.setattr(secret, "FRESH_S", 0)


class Teachers:
    """Send registers, look after their jobs and read records until told to stop."""

    def __init__(self, api: httpx.Client, section: Section) -> None:
        self._api, self._section = api, section
        self._ended = threading.Event()
        self.answers: Counter[tuple[str, int]] = Counter()
        self.jobs: list[str] = []

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Three of them."""
        with ThreadPoolExecutor(3) as pool:
            working = [pool.submit(self._work) for _ in range(3)]
            try:
                yield
            finally:
                self._ended.set()
        for one in working:
            one.result()

    def some_are_answered(self) -> None:
        """Wait for that."""
        enough = self.answers.total() + REQUESTS
        until(lambda: self.answers.total() >= enough)

    def _work(self) -> None:
        while not self._ended.is_set():
            answer = self._ask("POST", "/mark", json=register(self._section))
            if answer.status_code == 202:
                self.jobs.append(answer.json()["jobId"])
                self._ask("GET", f"/jobs/{self.jobs[-1]}")
            self._ask("GET", f"/records?section_id={self._section.id}&date={register(self._section)['date']}")

    def _ask(self, method: str, path: str, **more: object) -> httpx.Response:
        answer = self._api.request(method, path, **more)  # type: ignore[arg-type]
        self.answers[f"{method} {path[:5]}", answer.status_code] += 1
        return answer


@contextmanager
def draining(variables: dict[str, str]) -> Iterator[list[int]]:
    """A consumer of its own; tells how many jobs each drain completed."""
    ended = threading.Event()
    completed: list[int] = []
    with closing(Container(Settings.from_environment(variables))) as container, ThreadPoolExecutor(1) as pool:

        def work() -> None:
            while not ended.is_set() or container.queue.counts().depth:
                completed.append(container.drain.run(lambda: 20_000, linger_s=0.05).completed)

        working = pool.submit(work)
        try:
            yield completed
        finally:
            ended.set()
            working.result()


def test_no_request_fails_and_no_job_is_lost(
    rotation: Rotation, variables: dict[str, str], database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Not one is answered anything but what it would be on a quiet day."""
    caplog.set_level(logging.INFO, "chalicelib.access")
    school = School(database)
    with office(school, variables) as api, draining(variables) as completed:
        # Given teachers at work, whose every request signs in anew
        teachers = Teachers(api, school.section(students=2))
        with teachers.at_work():
            teachers.some_are_answered()
            # when both passwords are changed in each way there is, with requests between any two steps
            for steps in (rotation.as_aws_does(), rotation.as_terraform_does(), rotation.as_aws_does()):
                for _ in steps:
                    with closing(Container(Settings.from_environment(variables))) as just_started:
                        just_started.queue.counts()
                        just_started.ping_postgres()
                    teachers.some_are_answered()
    # then all requests were answered as ever
    assert {status for _, status in teachers.answers} == {200, 202}
    # and all jobs are in the books, once
    states = Counter(dict(map(tuple, school.run("select job_id::text, state from attendance_job"))).values())
    assert states == {"completed": len(teachers.jobs)}
    assert sum(completed) == len(teachers.jobs)
    # and logins of each stage were needed for that
    tried = {stage for stage in ("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS") if f"the {stage} one" in caplog.text}
    assert tried == {"AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"}


def test_a_wrong_secret_is_an_outage_until_it_is_mended(
    rotation: Rotation, variables: dict[str, str], vault: Vault, database: Database, redis: Redis
) -> None:
    """Somebody changes a server by hand: 503, nothing is queued; then the secret follows, and the next request goes."""
    school, queue = School(database), JobQueue(redis)
    section = school.section(students=2)
    with office(school, variables) as api:
        assert api.post("/mark", json=register(section)).status_code == 202
        new = _password()
        rotation.redis_set(new)
        refused = api.post("/mark", json=register(section))
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        vault.finish(rotation.redis, vault.pend(rotation.redis, APP_ROLE, new))
        assert api.post("/mark", json=register(section)).status_code == 202
        assert queue.counts().waiting == 2


def _password() -> str:
    return secrets.token_urlsafe(24)
