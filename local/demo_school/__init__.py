"""Made-up schools, the same on every machine, as OneRoster bundles that the normal import takes.

with tempfile.TemporaryDirectory() as folder:
    write_school(DEMO, Path(folder), today)
"""

from __future__ import annotations

from local.demo_school.bundle import write_school
from local.demo_school.plan import BEARERS, DEMO, OTHER, SCHOOLS, School, SchoolYear

__all__ = ["BEARERS", "DEMO", "OTHER", "SCHOOLS", "School", "SchoolYear", "write_school"]
