"""What the request path may know without Postgres: each tenant's rules and registers, and what it may still ask."""

from chalicelib.cache.allowances import Allowances, Toll
from chalicelib.cache.rosters import RosterCache, RosterSource

__all__ = ["Allowances", "RosterCache", "RosterSource", "Toll"]
