"""A date on which the tenant can be marked: today, or a day of its roster's year, for which the settings are opened."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from local.client import Client
from local.faults import StackFault


def open_school_day(admin: Client) -> date:
    """Today at the tenant if it is in session; else the nearest day that is.

    A roster of a past year needs more days back, one of a year to come dates ahead: both are set by PUT /settings.
    """
    settings = admin.get("/settings")
    today = datetime.now(UTC).astimezone(ZoneInfo(settings["timezone"])).date()
    spans = [
        (date.fromisoformat(one["start_date"]), date.fromisoformat(one["end_date"]))
        for one in admin.items("/sessions", limit=500)
    ]
    if not spans:
        raise StackFault("The roster has no academic session.")
    day = _nearest(today, spans)
    wanted = dict(settings)
    wanted["backdate_days"] = max(settings["backdate_days"], (today - day).days)
    wanted["allow_future_date"] = settings["allow_future_date"] or day > today
    if wanted != settings:
        admin.put("/settings", wanted, version=settings["version"])
    return day


def _nearest(today: date, spans: list[tuple[date, date]]) -> date:
    """The day in one of the spans (first and last day) that is the fewest days from `today`."""
    return min((min(max(today, first), last) for first, last in spans), key=lambda day: abs((day - today).days))
