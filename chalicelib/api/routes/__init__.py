"""The operations of the API, one module a part of it."""

from __future__ import annotations

from chalicelib.api.operations import Operation
from chalicelib.api.routes import health, jobs, marks, queue, realtime, records, rosters, settings


def operations() -> list[Operation]:
    """Every operation, in the order of the documentation."""
    parts = (marks, jobs, queue, realtime, records, rosters, settings, health)
    return [operation for part in parts for operation in part.operations.all]
