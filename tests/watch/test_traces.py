"""Traces: read from what anybody may send, and told to X-Ray in the form that AWS documents."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.watch.traces import Span, Trace, XRay, current_trace
from tests.watch.daemon import Daemon

ROOT, PARENT = "1-5e66d96f-7491f0912345678918acf3d0", "53995c3f42cd8ad8"
HEADER = f"Root={ROOT};Parent={PARENT};Sampled=1"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """X-Ray's."""
    with Daemon() as made:
        yield made


@pytest.mark.parametrize(
    ("text", "trace"),
    [
        (HEADER, Trace(ROOT, PARENT, sampled=True)),
        (f"Self=1-x;Root={ROOT};Lineage=a:1", Trace(ROOT)),
        (f"Root={ROOT};Parent=x;Sampled=?", Trace(ROOT)),
        ("Root=1-5e66d96f-7491f09xmpl79d18acf3d050", None),
        (f"Root={ROOT}\n", None),
        ("", None),
    ],
)
def test_a_trace_is_read_or_there_is_none(text: str, trace: Trace | None) -> None:
    """Only what has the right form is believed."""
    assert Trace.read(text) == trace


@given(st.text())
def test_whatever_is_sent_only_a_trace_comes_out(text: str) -> None:
    """It goes into Redis, the log and X-Ray."""
    trace = Trace.read(text)
    assert trace is None or re.fullmatch(r"Root=1-[0-9a-f-]{33}(;Parent=[0-9a-f]{16})?;Sampled=[01]", str(trace))


def test_what_goes_with_a_job_is_read_as_it_was_written() -> None:
    """A round through Redis."""
    for trace in (Trace(ROOT, PARENT, sampled=True), Trace(ROOT)):
        assert Trace.read(str(trace)) == trace


def test_the_runtime_knows_better_than_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """The header is for a laptop."""
    other = f"Root={ROOT[:-1]}1"
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)
    assert current_trace(other) == Trace.read(other)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
    assert current_trace(other) == Trace.read(HEADER)


def test_a_segment_is_what_x_ray_takes(daemon: Daemon) -> None:
    """By what AWS documents of a segment."""
    span = Span("rollcall-drain", 1.0, 3.5, (Span("on the list", 1.0, 2.0), Span("written", 2.0, 3.5)))
    XRay(daemon.address).tell(Trace(ROOT, PARENT, sampled=True), span, {"job": "j1"})
    [segment] = daemon.heard()
    assert (segment["trace_id"], segment["parent_id"], segment["name"]) == (ROOT, PARENT, "rollcall-drain")
    assert (segment["start_time"], segment["end_time"], segment["fault"]) == (1.0, 3.5, False)
    assert segment["annotations"] == {"job": "j1"}
    parts = segment["subsegments"]
    assert [(part["name"], part["start_time"], part["end_time"]) for part in parts] == [
        ("on the list", 1.0, 2.0),
        ("written", 2.0, 3.5),
    ]
    assert all(re.fullmatch("[0-9a-f]{16}", one["id"]) for one in (segment, *parts))
    assert len({one["id"] for one in (segment, *parts)}) == 3


def test_what_is_not_kept_is_not_told_and_no_daemon_is_no_harm(daemon: Daemon) -> None:
    """X-Ray takes a share of all requests; a drain goes on whoever listens."""
    span = Span("rollcall-drain", 1.0, 2.0)
    XRay(daemon.address).tell(Trace(ROOT, PARENT), span, {})
    XRay(None).tell(Trace(ROOT, PARENT, sampled=True), span, {})
    XRay(("127.0.0.1", 1)).tell(Trace(ROOT, PARENT, sampled=True), span, {})
    assert daemon.heard() == []
