"""Folders and statements for the servers, and a small app behind the gateway, for the tests of the local stack."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from chalice.app import Chalice, CORSConfig, Request, Response
from pg8000.native import Connection

from local.gateway import serve
from local.servers import EmbeddedPostgres


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are closed to the user that runs the servers."""
    folder = Path(tempfile.mkdtemp(prefix="rollcall-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def query() -> Callable[[EmbeddedPostgres, str], list[list[Any]]]:
    """Runs one statement as the superuser, on a connection of its own, and gives its rows."""

    def run(postgres: EmbeddedPostgres, sql: str) -> list[list[Any]]:
        with closing(Connection("postgres", unix_sock=str(postgres.socket), ssl_context=False)) as connection:
            return connection.run(sql) or []

    return run


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client of a gateway before a small app."""
    with serve(small_app()) as url, httpx.Client(base_url=url) as client:
        yield client


def small_app() -> Chalice:
    app = Chalice("small")
    app.log.setLevel("CRITICAL")
    app.api.binary_types = ["image/png"]

    @app.route("/echo/{name}/{more}", methods=["GET", "POST"], content_types=["application/json", "text/plain"])
    def echo(name: str, more: str) -> Any:
        return request_of(app).to_original_event()

    @app.route("/", methods=["POST"], content_types=["application/octet-stream"])
    def length() -> Any:
        return {"received": len(request_of(app).raw_body)}

    @app.route("/jobs/{job_id}")
    def job(job_id: str) -> Any:
        return {"job": job_id}

    @app.route("/jobs/mine")
    def mine() -> Any:
        return {"job": "of mine"}

    @app.route("/open", methods=["GET", "PUT"], cors=CORSConfig("https://school.example", max_age=600))
    def open_to_others() -> Any:
        return {}

    @app.route("/cookies")
    def cookies() -> Any:
        return Response("", {"Set-Cookie": ["a=1", "b=2"], "X-Kind": "mixed", "Content-Type": "text/plain"}, 203)

    @app.route("/picture")
    def picture() -> Any:
        return Response(b"\x89PNG\r\n\xff", {"Content-Type": "image/png"})

    @app.route("/slow/{token}")
    def slow(token: str) -> Any:
        time.sleep(0.05)
        return {
            "token": request_of(app).headers["authorization"],
            "path": token,
            "id": str(app.lambda_context.aws_request_id),
        }

    @app.route("/broken")
    def broken() -> Any:
        return Response("{}", {"X-Kind": "two\nlines"})

    @app.middleware("http")
    def may_break(event: Any, get_response: Any) -> Any:
        response = get_response(event)
        if event.path == "/broken":
            response.status_code = "not a number"
        return response

    return app


def request_of(app: Chalice) -> Request:
    assert app.current_request is not None
    return app.current_request
