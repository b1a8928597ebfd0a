"""The first schema: tenants, roster, marks, audit, ledger, partitions, row-level security."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

SQL = Path(__file__).parents[1] / "sql" / revision


def upgrade() -> None:
    """Run the SQL files of this revision in their order, each as one simple query."""
    cursor = op.get_bind().connection.cursor()
    for script in sorted(SQL.glob("*.sql")):
        # Straight to the driver: SQLAlchemy would read ':name' and '%' in the SQL as parameters.
        cursor.execute(script.read_text())


def downgrade() -> None:
    """Marks are kept for years by law: going back means restoring a snapshot, never dropping tables."""
    raise RuntimeError("The first schema has no way back; restore a snapshot instead.")
