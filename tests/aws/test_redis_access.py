"""What the app's user in Redis may do, as Terraform says it, tried on a real Valkey: its work, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from chalicelib.domain.job_state import JobState
from chalicelib.queue import JobQueue
from local.servers import EmbeddedRedis
from tests.aws.ground import MODULE
from tests.queue import steps

pytestmark = pytest.mark.aws

RULES = re.search(r'redis_access = "([^"]+)"', (MODULE / "redis.tf").read_text())


@pytest.fixture
def app(redis: Redis, redis_server: EmbeddedRedis) -> Iterator[Redis]:
    """A client that is signed in as the app's user."""
    assert RULES
    set_user = ("ACL", "SETUSER", "rollcall_app", "reset", *RULES[1].split(), ">secret")
    redis.execute_command(*set_user)  # type: ignore[no-untyped-call]
    client = Redis.from_url(redis_server.url(), username="rollcall_app", password="secret")
    yield client
    client.close()
    redis.acl_deluser("rollcall_app")


def test_the_queue_does_its_work(app: Redis) -> None:
    """A job goes its way, and the check of the eviction policy finds its answer without CONFIG."""
    queue = JobQueue(app)
    queue.check_server()
    [job_id] = steps.enqueue(queue)
    job = steps.claim_one(queue)
    queue.ack([(job, '{"applied": 30}')])
    assert steps.see(queue, job_id).state is JobState.COMPLETED
    assert not queue.wait_for_work(0.01)


@pytest.mark.parametrize(
    "command",
    [
        ("FLUSHALL",),
        ("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"),
        ("KEYS", "*"),
        ("ACL", "LIST"),
        ("SHUTDOWN",),
    ],
)
def test_it_may_not_empty_administer_or_look_around(app: Redis, command: tuple[str, ...]) -> None:
    """A leaked password empties no queue."""
    with pytest.raises(NoPermissionError):
        app.execute_command(*command)  # type: ignore[no-untyped-call]


def test_another_password_is_refused(app: Redis, redis_server: EmbeddedRedis) -> None:
    """`on` without `nopass`."""
    client = Redis.from_url(redis_server.url(), username="rollcall_app", password="guess")
    with client, pytest.raises(AuthenticationError):
        client.ping()
