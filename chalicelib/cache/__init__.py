"""What the request path may know without Postgres: rules and registers of each tenant, kept in Redis."""

from chalicelib.cache.rosters import RosterCache, RosterSource

__all__ = ["RosterCache", "RosterSource"]
