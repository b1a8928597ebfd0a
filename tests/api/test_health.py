"""Health and the description: for anyone, at any time."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest

import app
from chalicelib.container import Container
from local.servers import EmbeddedPostgres
from tests.api.client import Client


def test_all_is_well(anyone: Client) -> None:
    """200, and both dependencies are named."""
    answer = anyone.get("/health")
    assert answer.status == 200
    assert answer.json == {"status": "ok", "dependencies": {"redis": "ok", "postgres": "ok"}}


@pytest.mark.parametrize("server", ["postgres", "redis"])
def test_degraded(server: str, anyone: Client, away: Callable[[str], None]) -> None:
    """503 names what is away, and only that."""
    away(server)
    answer = anyone.get("/health")
    assert answer.status == 503
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == {"status": "degraded", "dependencies": {"redis": "ok", "postgres": "ok"} | {server: "away"}}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_recovers(anyone: Client, container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that went and came back is found again, although connections to it were kept."""
    with EmbeddedPostgres() as server:  # its own: the other tests keep connections to theirs
        monkeypatch.setenv("DATABASE_URL", server.url("postgres"))
        app.container.cache_clear()
        assert anyone.get("/health").status == 200
        server.stop()
        assert anyone.get("/health").status == 503
        server.start()
        assert anyone.get("/health").status == 200
        app.container().close()
    gc.collect()  # pg8000 leaves the socket of a server that went to the collector, which warns: let it do so here


def test_the_description_is_served(anyone: Client) -> None:
    """As JSON, to anyone."""
    answer = anyone.get("/openapi.json")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["openapi"] == "3.1.0"
