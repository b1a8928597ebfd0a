"""The writer's SQL, read once from the files beside it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import TextClause

from chalicelib.db.prepared import prepared

_FOLDER = Path(__file__).parent / "sql"


@cache
def statement(name: str) -> TextClause:
    """The statement in `sql/<name>.sql`, with its header left out so that the server's log shows the work itself."""
    lines = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return prepared("\n".join(line for line in lines if not line.startswith("--")))
