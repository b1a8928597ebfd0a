"""Settings: told to all, replaced as a whole by the admin, checked, audited, and in force at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.container import Container
from tests.api.client import Client
from tests.api.conftest import Bearer
from tests.api.steps import Drain, mark, register
from tests.school import TODAY, School, Section

DAY = timedelta(days=1)

FRESH: dict[str, Any] = {
    "attendance_mode": "DAILY", "attendance_mode_from": "0001-01-01", "backdate_days": 7, "allow_future_date": False,
    "notification_on_absent": False, "correction_reason_required": False, "timezone": "UTC", "version": 1,
    "school_days": ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"],
}  # fmt: skip

Put = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def midday(container: Container) -> None:
    """No test runs over midnight."""
    container.now = lambda: datetime.combine(TODAY, time(12), UTC)


@pytest.fixture
def put(admin: Client) -> Put:
    """Reads the settings, changes some, puts the whole back."""

    def change(**some: Any) -> dict[str, Any]:
        answer = admin.put("/settings", admin.get("/settings").json | some)
        assert answer.status == 200, answer.text
        told: dict[str, Any] = answer.json
        return told

    return change


class TestReading:
    """GET /settings."""

    def test_a_new_tenant(self, bearer: Bearer) -> None:
        """The defaults, at version 1, for any role."""
        answer = bearer("guardian").get("/settings")
        assert (answer.status, answer.json) == (200, FRESH)
        assert answer.headers["etag"] == '"1"'


class TestReplacing:
    """PUT /settings."""

    def test_the_whole_object(self, admin: Client) -> None:
        """Everything can be set; what is told is what was put, at the next version, and stays so."""
        wanted = {
            "attendance_mode": "PERIOD", "attendance_mode_from": str(TODAY + DAY), "backdate_days": 0,
            "allow_future_date": True, "notification_on_absent": True, "correction_reason_required": True,
            "timezone": "Pacific/Auckland", "school_days": ["MON", "SAT"],
        }  # fmt: skip
        answer = admin.put("/settings", wanted)
        assert (answer.status, answer.json) == (200, {**wanted, "version": 2})
        assert answer.headers["etag"] == '"2"'
        assert admin.get("/settings").json == answer.json

    def test_what_was_read_may_be_put_back(self, admin: Client) -> None:
        """And changes nothing: no version, no entry in the log."""
        answer = admin.put("/settings", admin.get("/settings").json)
        assert (answer.status, answer.json) == (200, FRESH)
        assert admin.get("/settings/history").json["items"] == []

    def test_school_days_are_a_set(self, put: Put) -> None:
        """Told in the order of the week, each once."""
        assert put(school_days=["FRI", "MON", "FRI"])["school_days"] == ["MON", "FRI"]

    @pytest.mark.parametrize("match", ['"1"', "1", 'W/"1"', "*"])
    def test_if_match(self, match: str, admin: Client) -> None:
        """The version that was read, as the ETag, bare, or any."""
        assert admin.put("/settings", FRESH | {"backdate_days": 3}, if_match=match).status == 200

    def test_a_lost_race(self, admin: Client) -> None:
        """412 for the second of two who read the same version; the first one's change stands."""
        assert admin.put("/settings", FRESH | {"backdate_days": 3}, if_match='"1"').status == 200
        answer = admin.put("/settings", FRESH | {"backdate_days": 4}, if_match='"1"')
        assert (answer.status, answer.code) == (412, "version_mismatch")
        assert answer.headers["content-type"] == "application/problem+json"
        assert admin.get("/settings").json["backdate_days"] == 3

    def test_ten_at_once(self, admin: Client) -> None:
        """Of ten who replace the same version, one succeeds."""
        with ThreadPoolExecutor(4) as threads:
            sent = [
                threads.submit(admin.put, "/settings", FRESH | {"backdate_days": 20 + n}, if_match='"1"')
                for n in range(10)
            ]
        assert sorted(one.result().status for one in sent) == [200] + [412] * 9
        assert admin.get("/settings").json["version"] == 2

    @pytest.mark.parametrize("match", ["", "one", '"1', "1, 2", "-1", '"1.0"'])
    def test_an_if_match_that_is_no_version(self, match: str, admin: Client) -> None:
        """422, naming the header."""
        answer = admin.put("/settings", FRESH | {"backdate_days": 3}, if_match=match)
        assert (answer.status, answer.faults) == (422, {("If-Match", "invalid_format")})
        assert admin.get("/settings").json == FRESH


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "a mode of one's own": ({"attendance_mode": "WEEKLY"}, "attendance_mode", "invalid_value"),
    "no mode": ({"attendance_mode": None}, "attendance_mode", "invalid_value"),
    "days of the future": ({"backdate_days": -1}, "backdate_days", "out_of_range"),
    "more than a century": ({"backdate_days": 36_526}, "backdate_days", "out_of_range"),
    "half a day": ({"backdate_days": 1.5}, "backdate_days", "invalid_type"),
    "days as text": ({"backdate_days": "7"}, "backdate_days", "invalid_type"),
    "days of true": ({"backdate_days": True}, "backdate_days", "invalid_type"),
    "yes": ({"allow_future_date": "yes"}, "allow_future_date", "invalid_type"),
    "one": ({"notification_on_absent": 1}, "notification_on_absent", "invalid_type"),
    "null": ({"correction_reason_required": None}, "correction_reason_required", "invalid_type"),
    "no such zone": ({"timezone": "Mars/Olympus"}, "timezone", "invalid_time_zone"),
    "a path": ({"timezone": "../../etc/passwd"}, "timezone", "invalid_time_zone"),
    "an absolute path": ({"timezone": "/etc/localtime"}, "timezone", "invalid_time_zone"),
    "a folder": ({"timezone": "America"}, "timezone", "invalid_time_zone"),
    "NUL": ({"timezone": "UTC\0"}, "timezone", "invalid_time_zone"),
    "an empty zone": ({"timezone": ""}, "timezone", "too_short"),
    "a long zone": ({"timezone": "A" * 65}, "timezone", "too_long"),
    "an offset": ({"timezone": "+01:00"}, "timezone", "invalid_time_zone"),
    "a number for a zone": ({"timezone": 1}, "timezone", "invalid_type"),
    "no school at all": ({"school_days": []}, "school_days", "too_few"),
    "a day of one's own": ({"school_days": ["MON", "FUNDAY"]}, "school_days/1", "invalid_value"),
    "days in one text": ({"school_days": "MON"}, "school_days", "invalid_type"),
    "a date that does not exist": ({"attendance_mode_from": "2026-02-30"}, "attendance_mode_from", "invalid_date"),
    "an unknown field": ({"backdate_day": 3}, "backdate_day", "unknown_field"),
    "a version as text": ({"version": "1"}, "version", "invalid_type"),
}


@pytest.mark.parametrize(("change", "field", "code"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_field(change: dict[str, Any], field: str, code: str, admin: Client) -> None:
    """422 with a pointer to it, and nothing is changed."""
    answer = admin.put("/settings", FRESH | change)
    assert (answer.status, answer.code, answer.faults) == (422, "validation_failed", {(f"/{field}", code)})
    assert admin.get("/settings").json == FRESH


@pytest.mark.parametrize(
    "name", ["attendance_mode", "backdate_days", "allow_future_date", "notification_on_absent", "timezone"]
)
def test_a_field_left_out(name: str, admin: Client) -> None:
    """PUT takes the whole object: a forgotten field is not quietly reset."""
    answer = admin.put("/settings", {key: value for key, value in FRESH.items() if key != name})
    assert (answer.status, answer.faults) == (422, {(f"/{name}", "missing")})


def test_the_body_is_read_like_any_other(admin: Client) -> None:
    """400, 413, 415, 422 for what is no object."""
    assert admin.put("/settings", raw=b"{").code == "malformed_json"
    assert admin.put("/settings", raw=b" " * (1024 * 1024 + 1)).code == "too_large"
    assert admin.put("/settings", FRESH, content_type="text/yaml").code == "unsupported_media_type"
    assert admin.put("/settings", []).faults == {("", "invalid_type")}


def test_several_faults_at_once(admin: Client) -> None:
    """All of them."""
    answer = admin.put("/settings", FRESH | {"timezone": "x", "backdate_days": -1, "typo": 1})
    assert answer.faults == {
        ("/timezone", "invalid_time_zone"),
        ("/backdate_days", "out_of_range"),
        ("/typo", "unknown_field"),
    }


class TestInForceAtOnce:
    """The next request is judged by the new settings, though the old ones were cached."""

    def test_dates(self, put: Put, ann: Client, maths: Section) -> None:
        """backdate_days and allow_future_date."""
        old, future = register(maths, day=TODAY - 20 * DAY), register(maths, day=TODAY + DAY)
        assert (ann.post("/mark", old).status, ann.post("/mark", future).status) == (422, 422)
        put(backdate_days=20, allow_future_date=True)
        assert (ann.post("/mark", old).status, ann.post("/mark", future).status) == (202, 202)
        put(backdate_days=7, allow_future_date=False)
        assert (ann.post("/mark", old).status, ann.post("/mark", future).status) == (422, 422)

    def test_school_days(self, put: Put, ann: Client, maths: Section) -> None:
        """A weekday is closed and opened again."""
        weekday = TODAY.strftime("%a").upper()
        assert ann.post("/mark", register(maths)).status == 202
        put(school_days=[day for day in FRESH["school_days"] if day != weekday])
        assert ann.post("/mark", register(maths)).code == "not_a_school_day"

    def test_reasons(self, put: Put, ann: Client, maths: Section, drain: Drain) -> None:
        """correction_reason_required."""
        mark(ann, drain, register(maths))
        put(correction_reason_required=True)
        assert ann.post("/mark", register(maths, "ABSENT")).code == "reason_required"

    def test_time_zone(self, put: Put, ann: Client, maths: Section, container: Container) -> None:
        """Late in the evening in UTC it is tomorrow in Auckland."""
        late = datetime.combine(TODAY, time(23), UTC)
        container.now = lambda: late
        assert ann.post("/mark", register(maths, day=TODAY + DAY)).code == "date_in_future"
        put(timezone="Pacific/Auckland")
        assert ann.post("/mark", register(maths, day=TODAY + DAY)).status == 202


class TestMode:
    """The mode holds from a date: marks of earlier dates keep theirs."""

    @pytest.fixture
    def modes(self, school: School, maths: Section, office: Client) -> Callable[..., str]:
        """The mode by which marks of some days (counted from today) are taken, as D or P each."""
        school.run("update attendance_settings set allow_future_date = true, backdate_days = 60")

        def told(*days: int) -> str:
            codes = [office.post("/mark", register(maths, day=TODAY + n * DAY)) for n in days]
            return "".join("D" if answer.status == 202 else answer.code[0].upper() for answer in codes)

        return told

    def test_without_a_date_it_holds_from_today(self, put: Put, modes: Callable[..., str]) -> None:
        """Yesterday was daily and stays so."""
        assert put(attendance_mode="PERIOD")["attendance_mode_from"] == str(TODAY)
        assert modes(-1, 0, 1) == "DPP"

    def test_from_a_date_to_come(self, put: Put, modes: Callable[..., str]) -> None:
        """Until then the old mode holds."""
        put(attendance_mode="PERIOD", attendance_mode_from=str(TODAY + 3 * DAY))
        assert modes(-1, 0, 2, 3, 4) == "DDDPP"

    def test_from_a_date_that_has_passed(self, put: Put, modes: Callable[..., str]) -> None:
        """The admin may say so."""
        put(attendance_mode="PERIOD", attendance_mode_from=str(TODAY - 5 * DAY))
        assert modes(-6, -5, 0) == "DPP"

    def test_there_and_back_again(self, put: Put, modes: Callable[..., str]) -> None:
        """On the same day: as if nothing had been."""
        put(attendance_mode="PERIOD")
        put(attendance_mode="DAILY")
        assert modes(-1, 0, 1) == "DDD"

    def test_a_plan_that_is_dropped(self, put: Put, modes: Callable[..., str]) -> None:
        """Back to DAILY before the PERIOD mode has begun: it never begins."""
        put(attendance_mode="PERIOD", attendance_mode_from=str(TODAY + 3 * DAY))
        told = put(attendance_mode="DAILY")
        assert (told["attendance_mode"], modes(0, 2, 3, 4)) == ("DAILY", "DDDD")

    def test_a_plan_that_is_put_off(self, put: Put, modes: Callable[..., str]) -> None:
        """The new mode begins on the later date only."""
        put(attendance_mode="PERIOD", attendance_mode_from=str(TODAY + DAY))
        put(attendance_mode_from=str(TODAY + 4 * DAY))
        assert modes(0, 1, 3, 4) == "DDDP"

    def test_a_plan_that_is_brought_forward(self, put: Put, modes: Callable[..., str]) -> None:
        """The new mode begins on the earlier date."""
        put(attendance_mode="PERIOD", attendance_mode_from=str(TODAY + 4 * DAY))
        put(attendance_mode_from=str(TODAY + DAY))
        assert modes(0, 1, 3, 4) == "DPPP"

    def test_a_third_change(self, put: Put, modes: Callable[..., str]) -> None:
        """What held in between keeps holding in between."""
        put(attendance_mode="PERIOD", attendance_mode_from=str(TODAY - 10 * DAY))
        put(attendance_mode="DAILY", attendance_mode_from=str(TODAY - 2 * DAY))
        assert modes(-11, -10, -3, -2, 0) == "DPPDD"

    def test_other_settings_leave_the_mode_alone(self, put: Put, modes: Callable[..., str]) -> None:
        """A change of the days does not move its date."""
        put(attendance_mode="PERIOD", attendance_mode_from=str(TODAY + 3 * DAY))
        assert put(backdate_days=50)["attendance_mode_from"] == str(TODAY + 3 * DAY)
        assert modes(2, 3) == "DP"


class TestHistory:
    """GET /settings/history."""

    def test_each_change_is_on_record(self, put: Put, office: Client) -> None:
        """Newest first, with what was before and after, who did it and when."""
        put(backdate_days=3)
        put(timezone="Europe/Berlin")
        newest, oldest = office.get("/settings/history").json["items"]
        assert (oldest["before"]["backdate_days"], oldest["after"]["backdate_days"]) == (7, 3)
        assert (newest["before"]["timezone"], newest["after"]["timezone"]) == ("UTC", "Europe/Berlin")
        assert {(one["actor_id"], one["actor_role"]) for one in (newest, oldest)} == {("the-admin", "admin")}
        assert newest["at"].startswith(str(TODAY))
        assert newest["at"].endswith("Z")

    def test_in_pages(self, put: Put, office: Client) -> None:
        """Each change once."""
        for days in (1, 2, 3):
            put(backdate_days=days)
        first = office.get("/settings/history", {"limit": 2}).json
        second = office.get("/settings/history", {"limit": 2, "cursor": first["next_cursor"]}).json
        assert [one["after"]["backdate_days"] for one in (*first["items"], *second["items"])] == [3, 2, 1]
        assert second["next_cursor"] is None


def test_registers_stay_cached(put: Put, ann: Client, maths: Section, school: School, container: Container) -> None:
    """A change of settings does not cost every section a cold start."""
    ann.post("/mark", register(maths))
    put(backdate_days=3)
    fields = set(container.redis.hkeys(f"roster:{{{school.tenant}}}"))
    assert fields == {b"revision", b"rules", f"r:{maths.id}".encode()}


def test_the_change_holds_though_redis_goes_away_after_it(
    put: Put, admin: Client, ann: Client, maths: Section, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rules were dropped before the commit, so that nobody is judged by them afterwards."""
    from chalicelib.errors import Unavailable

    def gone(tenant: str) -> None:
        raise Unavailable

    ann.post("/mark", register(maths))
    monkeypatch.setattr(container.rosters, "refresh_rules", gone)
    put(backdate_days=20)
    assert ann.post("/mark", register(maths, day=TODAY - 20 * DAY)).status == 202
