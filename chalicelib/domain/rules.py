"""What a tenant has set, as far as a mark is judged by it: mode, dates, sessions, calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.domain.attendance import Mode, Weekday

EVERY_SCHOOL = ""
"""The key of calendar exceptions that hold for all schools of a tenant."""

_WEEKDAYS = tuple(Weekday)


@dataclass(frozen=True, slots=True)
class AcademicSession:
    """A school year, semester or term; `end` is its last day."""

    id: str
    start: date
    end: date

    def holds(self, day: date) -> bool:
        """Whether `day` is in this session."""
        return self.start <= day <= self.end


@dataclass(frozen=True, slots=True)
class Rules:
    """One tenant's rules, as of one `revision` of its settings and roster.

    `modes` is ascending by the date from which each mode holds. `calendar` maps a school's id (or EVERY_SCHOOL) to the
    dates that differ from the weekdays in `school_days`.
    """

    revision: int
    timezone: str
    modes: tuple[tuple[date, Mode], ...]
    backdate_days: int
    allow_future_date: bool
    reason_required: bool
    school_days: frozenset[Weekday]
    sessions: Mapping[str, AcademicSession] = field(default_factory=dict)
    period_ids: frozenset[str] = frozenset()
    calendar: Mapping[str, Mapping[date, bool]] = field(default_factory=dict)

    def today(self, now: datetime) -> date:
        """The local date of the instant `now` (aware) where the tenant is."""
        return now.astimezone(ZoneInfo(self.timezone)).date()

    def mode_on(self, day: date) -> Mode:
        """The mode that held on `day`; before the first change, the first mode."""
        held = self.modes[0][1]
        for start, mode in self.modes:
            if start <= day:
                held = mode
        return held

    def oldest_markable(self, today: date) -> date:
        """The first date that may still be marked today."""
        return today - timedelta(days=min(self.backdate_days, (today - date.min).days))

    def is_school_day(self, day: date, school_id: str | None) -> bool:
        """Whether the school is open on `day`: its own exception first, then the tenant's, then the weekday."""
        for key in (school_id or EVERY_SCHOOL, EVERY_SCHOOL):
            exception = self.calendar.get(key, {}).get(day)
            if exception is not None:
                return exception
        return _WEEKDAYS[day.weekday()] in self.school_days

    def session_holding(self, day: date, among: frozenset[str]) -> AcademicSession | None:
        """The shortest session that holds `day`, of those in `among`, or of all when `among` is empty."""
        candidates = [
            session for session in self.sessions.values() if session.holds(day) and (not among or session.id in among)
        ]
        return min(candidates, key=lambda session: (session.end - session.start, session.id), default=None)
