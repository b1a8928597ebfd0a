"""The whole application on a Redis cluster: the queue in one slot, each tenant's register and settings in another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis import RedisCluster

import app
from chalicelib.container import Container
from chalicelib.services.drain import Report
from tests.api.client import Client
from tests.api.steps import register
from tests.queue.cluster import Cluster, three_servers
from tests.school import Section


@pytest.fixture(scope="module")
def servers() -> Iterator[Cluster]:
    """Three real servers."""
    with three_servers() as cluster:
        yield cluster


@pytest.fixture(params=[1, 4], ids=lambda shards: f"shards={shards}")
def container(
    container: Container, servers: Cluster, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Container:
    """The application's container, told of the server that does not hold the first shard of the queue."""
    monkeypatch.setenv("QUEUE_SHARDS", str(request.param))
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{servers.other.server.port}/0")
    monkeypatch.setenv("REDIS_CLUSTER", "1")
    app.container.cache_clear()
    return app.container()


def test_a_mark_goes_all_the_way(
    container: Container, ann: Client, office: Client, admin: Client, maths: Section, drain: Callable[[], Report]
) -> None:
    """Accepted by a cold and a warm cache, drained, told, and the settings changed."""
    assert isinstance(container.redis, RedisCluster)
    jobs = [ann.post("/mark", register(maths), idempotency_key=key).json["jobId"] for key in ("one", "two", "two")]
    assert jobs[1] == jobs[2]
    assert drain().completed == 2
    assert {ann.get(f"/jobs/{job}").json["state"] for job in jobs} == {"completed"}
    settings = office.get("/settings").json
    assert admin.put("/settings", settings | {"backdate_days": 3}).status == 200
    assert office.get("/health").json["status"] == "ok"
    told = office.get("/queue").json
    assert (told["waiting"], told["drain"]["state"], told["warnings"]) == (0, "ok", [])


def test_a_cluster_that_is_away_is_told(
    container: Container, ann: Client, maths: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After, as for a single server."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    app.container.cache_clear()
    refused = ann.post("/mark", register(maths))
    assert (refused.status, refused.json["code"]) == (503, "unavailable")
