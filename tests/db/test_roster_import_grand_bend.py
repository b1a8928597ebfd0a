"""A whole district, 960 students and 15,000 enrolments, is imported in seconds, and again without a change."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from chalicelib.db.session import Database
from chalicelib.services.roster_import import RosterImporter

GRAND_BEND = Path(__file__).parents[3] / "shared" / "data" / "grand-bend" / "oneroster"

pytestmark = pytest.mark.skipif(not GRAND_BEND.is_dir(), reason="the Grand Bend sample is not here")


def test_grand_bend_is_imported_in_seconds_and_again_without_a_change(database: Database, tenant: str) -> None:
    importer = RosterImporter(database)
    first = importer.run(GRAND_BEND, tenant=tenant, strict=True, today=date(2021, 9, 1), timezone="America/Chicago")
    assert {table: counts.created for table, counts in first.counts.items()} == {
        "school": 3, "academic_session": 3, "period": 7, "section": 570, "student": 960, "staff_member": 68,
        "guardian": 1872, "guardianship": 1872, "enrollment": 14400, "teaching": 566,
    }  # fmt: skip
    assert first.seconds < 15
    again = importer.run(GRAND_BEND, tenant=tenant, strict=True, today=date(2026, 11, 23))
    assert not again.changed
    assert again.seconds < 15
    with database.transaction(first.tenant_id) as connection:
        assert connection.scalar(text("select title from tenant")) == "Grand Bend ISD"
        enrolled = text("select count(*) from enrollment where valid @> date '2021-09-01'")
        assert connection.scalar(enrolled) == 960 * 8
