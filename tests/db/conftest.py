"""A school of its own for each test."""

from __future__ import annotations

import pytest

from chalicelib.db.session import Database
from tests.school import School


@pytest.fixture
def school(database: Database) -> School:
    """A tenant that no other test touches."""
    return School(database)
