"""Two processes tell of one job, and the slower one has the older news: the last message is right all the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

import app
from chalicelib.container import Container
from chalicelib.queue import Job
from chalicelib.realtime import live_events
from chalicelib.realtime.posting import Message, Posted, Poster
from chalicelib.services.drain import Report
from tests.realtime.client import Live
from tests.realtime.conftest import Person
from tests.school import Section

Drain = Callable[[], Report]


class Slow:
    """A poster that is overtaken: before it delivers its first news of a job, something else happens to the job."""

    def __init__(self, poster: Poster, happens: Callable[[], Any]) -> None:
        self._poster, self._happens = poster, happens
        self.overtaken = False

    def post(self, messages: Sequence[Message]) -> Posted:
        """Deliver, late."""
        if not self.overtaken and any('"type":"job"' in text for _, text in messages):
            self.overtaken = True
            self._happens()
        return self._poster.post(messages)


def states(live: Live, wanted: int) -> list[str]:
    """The states that the next messages tell."""
    return [live.job()["state"] for _ in range(wanted)]


def slow_sessions(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Any]) -> Slow:
    """Let the answers to messages be overtaken."""
    sessions: Any = app.sessions()
    slow = Slow(sessions._poster, happens)
    monkeypatch.setattr(sessions, "_poster", slow)
    return slow


def test_a_subscription_overtaken_by_the_end(
    ann: Person, maths: Section, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is completed between the reading of its state and the telling."""
    job_id = ann.mark(maths)
    slow = slow_sessions(monkeypatch, drain)
    with ann.connect() as live:
        assert live.ask(action="subscribe", jobId=job_id)["type"] == "subscribed"
        assert states(live, 3) == ["completed", "waiting", "completed"]
        assert slow.overtaken
        assert live.silent(0.2)


def test_a_subscription_overtaken_by_the_beginning(
    ann: Person, maths: Section, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is begun in between, and goes on."""

    def begin() -> None:
        jobs: list[Job] = container.queue.claim(max_jobs=1, max_records=10, lease_ms=60_000)
        assert jobs

    job_id = ann.mark(maths)
    slow_sessions(monkeypatch, begin)
    with ann.connect() as live:
        assert live.ask(action="subscribe", jobId=job_id)["type"] == "subscribed"
        assert states(live, 2) == ["waiting", "active"]


def test_an_event_overtaken_by_the_end(ann: Person, maths: Section, container: Container, drain: Drain) -> None:
    """Another process completes the job, and has its followers told and dismissed, before the old event goes out."""
    job_id = ann.mark(maths)
    job = container.queue.get(job_id)
    assert job is not None
    with ann.connect() as live:
        live.follow(job_id)
        assert live.silent(1.1)  # so that there is a turn to take
        events: Any = live_events(container)
        events._poster = Slow(events._poster, drain)
        events.changed([job])
        events.settle(10)
        assert states(live, 3) == ["completed", "waiting", "completed"]
