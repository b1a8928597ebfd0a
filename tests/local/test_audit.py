"""The audit of dependencies: a vulnerability fails, and not to know is never taken for clean."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from local import audit

HASH = f"--hash=sha256:{'0' * 64}"


class Service:
    """A vulnerability service that knows of one package, and may be out of order."""

    def __init__(self) -> None:
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))["package"]["name"]
                events = [{"introduced": "0"}, {"fixed": "1.1"}]
                ranges = [{"type": "ECOSYSTEM", "events": events}]
                package = {"name": "leaky", "ecosystem": "PyPI"}
                fault = {"id": "PYSEC-1", "summary": "It leaks.", "affected": [{"package": package, "ranges": ranges}]}
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(json.dumps({"vulns": [fault]} if asked == "leaky" else {}).encode())

            def log_message(self, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A running service."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield service
    service.server.shutdown()
    thread.join()
    service.server.server_close()


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pins that are audited."""
    monkeypatch.setattr(audit, "PINS", tmp_path / "pins.txt")
    (tmp_path / "pins.txt").write_text(f"sound==2.0 {HASH}\nsolid==3.0 {HASH}\n", encoding="utf-8")
    return tmp_path / "pins.txt"


def asking(url: str) -> list[str]:
    """The options by which that service is asked."""
    return ["--vulnerability-service", "osv", "--osv-url", url]


def test_sound_dependencies_pass_and_are_counted(
    service: Service, pins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each was looked up."""
    assert audit.main(["--required", *asking(service.url)]) == 0
    assert capsys.readouterr().out == "No known vulnerability in 2 pinned dependencies.\n"


def test_a_vulnerability_fails_by_name(service: Service, pins: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its number and the version that has it no more."""
    pins.write_text(f"sound==2.0 {HASH}\nleaky==1.0 {HASH}\n", encoding="utf-8")
    assert audit.main(asking(service.url)) == 1
    assert capsys.readouterr().out == "VULNERABLE leaky 1.0: PYSEC-1, fixed in 1.1\n"


def test_not_to_know_is_said(service: Service, pins: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The service is out of order: it passes, since a laptop may be without a network, and never as clean."""
    service.status = 500
    assert audit.main(asking(service.url)) == 0
    told = capsys.readouterr()
    assert told.err.startswith("NOT AUDITED: ")
    assert "No known" not in told.out


def test_not_to_know_fails_where_knowing_is_required(pins: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody answers."""
    assert audit.main(["--required", *asking("http://127.0.0.1:1/")]) == 1
    assert capsys.readouterr().err.startswith("NOT AUDITED: ")
