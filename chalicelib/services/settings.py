"""Change a tenant's settings: audited, checked against the version, and told to the cache at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.cache import RosterCache
from chalicelib.db.queries import settings as table
from chalicelib.db.session import Database
from chalicelib.errors import Unavailable, VersionMismatch
from chalicelib.services.actor import Actor


@dataclass(frozen=True, slots=True)
class SettingsKeeper:
    """Reads and changes settings."""

    database: Database
    rosters: RosterCache
    now: Callable[[], datetime]

    def read(self, actor: Actor) -> dict[str, Any]:
        """The settings of the actor's tenant, with `version`."""
        with self.database.transaction(actor.tenant) as connection:
            return table.read(connection, actor.tenant)

    def change(self, actor: Actor, wanted: dict[str, Any], *, if_version: int | None) -> dict[str, Any]:
        """Replace the settings by `wanted` (each of `table.FIELDS`) and return them; no change, no new version.

        Raises VersionMismatch if they are not at `if_version` any more, Unavailable if Postgres or Redis is away: then
        nothing is changed. A new mode holds from `attendance_mode_from` on, or from today if that still is the date of
        the mode before: marks of earlier dates keep their mode.
        """
        with self.database.transaction(actor.tenant) as connection:
            before = table.read(connection, actor.tenant, lock=True)
            if if_version is not None and if_version != before["version"]:
                raise VersionMismatch(f"The settings are at version {before['version']}.")
            settings = {name: wanted[name] for name in table.FIELDS}
            settings["attendance_mode_from"] = self._mode_from(before, settings)
            if all(before[name] == settings[name] for name in table.FIELDS):
                return before
            table.write(connection, actor.tenant, settings, actor=actor.subject, role=actor.role, now=self.now())
            after = table.read(connection, actor.tenant)
            # Before the commit, so that no old rule stays behind if Redis goes away now: without Redis, no change.
            self.rosters.forget_rules(actor.tenant)
        with suppress(Unavailable):  # the change holds; the next reader fills the cache
            self.rosters.refresh_rules(actor.tenant)
        return after

    def _mode_from(self, before: dict[str, Any], settings: dict[str, Any]) -> date:
        asked: date | None = settings["attendance_mode_from"]
        kept: date = before["attendance_mode_from"]
        if settings["attendance_mode"] == before["attendance_mode"]:
            return asked or kept
        if asked is None or asked == kept:
            return self.now().astimezone(ZoneInfo(settings["timezone"])).date()
        return asked
