"""The batch writer: many jobs of many tenants into Postgres in one transaction, set by set, never row by row."""

from chalicelib.db.writer.batch import BatchWriter
from chalicelib.db.writer.model import JobRow, Outcome

__all__ = ["BatchWriter", "JobRow", "Outcome"]
