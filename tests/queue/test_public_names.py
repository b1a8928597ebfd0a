"""The queue's public face."""

from __future__ import annotations

import chalicelib.queue


def test_the_public_names_are_these() -> None:
    """Whoever adds or drops a public name does so on purpose."""
    assert chalicelib.queue.__all__ == [
        "Backoff", "Counts", "Enqueued", "FailOutcome", "Figures", "Idempotency", "Job", "JobQueue", "Lane", "Limits",
        "Load", "NewJob", "Retention", "ShardCounts", "UnsafeServer", "new_job_id",
    ]  # fmt: skip
    assert all(hasattr(chalicelib.queue, name) for name in chalicelib.queue.__all__)
