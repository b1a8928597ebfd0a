"""Import rosters from OneRoster 1.2 CSV bundles.

report = RosterImporter(database).run(Path("bundle.zip"), tenant="grand-bend", today=date(2021, 9, 1))
print(report.summary())
"""

from __future__ import annotations

from chalicelib.services.roster_import.changes import Counts
from chalicelib.services.roster_import.importer import ImportReport, RosterImporter
from chalicelib.services.roster_import.problems import ImportRefused, RowProblem
from chalicelib.services.roster_import.reading import read_bundle
from chalicelib.services.roster_import.roster import Roster

__all__ = ["Counts", "ImportRefused", "ImportReport", "Roster", "RosterImporter", "RowProblem", "read_bundle"]
