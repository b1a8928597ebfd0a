"""`import` and `calendar` on servers that the environment names."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import text
from typer.testing import CliRunner, Result

from chalicelib.cache import RosterCache
from chalicelib.db.ids import roster_id, tenant_id
from chalicelib.db.queries.rosters import PostgresRosters
from chalicelib.db.session import Database
from chalicelib.domain.register import ALL_STUDENTS
from local.bearers import find_bearers
from local.cli import app
from local.demo_school import BEARERS, OTHER, write_school
from local.folder import FOLDER_VARIABLE

TODAY = datetime.now(UTC).date()


@pytest.fixture(autouse=True)
def servers(tmp_path: Path, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "local"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("COLUMNS", "90")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    write_school(OTHER, folder, TODAY)
    return folder


@pytest.fixture
def rosters(database: Database, redis: Redis) -> RosterCache:
    return RosterCache(redis, lambda: PostgresRosters(database))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def table(out: str) -> dict[str, list[str]]:
    """The numbers by the name of the table."""
    lines = [line.strip("│ ").split() for line in out.replace("│", " ").splitlines()]
    return {words[0]: words[1:] for words in lines if len(words) == 5 and words[4].isdecimal()}


def spoil(bundle: Path, *ids: str) -> None:
    with (bundle / "enrollments.csv").open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows((f"e-{user}", "assembly", user, "student", "", "") for user in ids)


def test_a_roster_is_imported_told_and_ready_in_the_cache(
    bundle: Path, tenant: str, rosters: RosterCache, redis: Redis, database: Database
) -> None:
    ended = run("import", bundle, "--tenant", tenant, "--timezone", "Pacific/Auckland")
    assert ended.exit_code == 0, ended.stderr
    assert table(ended.stdout)["student"] == ["60", "0", "0", "0"]
    key = tenant_id(tenant)
    assert redis.hlen(f"roster:{{{key}}}") == 13 + 4, "sections, all students, staff, rules, revision"
    rules, register = rosters.find(key, ALL_STUDENTS)
    assert rules.timezone == "Pacific/Auckland"
    assert len(register.members_on(TODAY)) == 60
    assert find_bearers(database, key) == BEARERS, "a token made without a running stack names the same people"


def test_a_second_import_changes_nothing(bundle: Path, tenant: str) -> None:
    run("import", bundle, "--tenant", tenant)
    ended = run("import", bundle, "--tenant", tenant)
    assert ended.exit_code == 0
    assert "nothing has changed" in ended.stdout
    assert {tuple(numbers[:3]) for numbers in table(ended.stdout).values()} == {("0", "0", "0")}


def test_bad_rows_are_told_by_file_line_and_column_fifty_at_most(bundle: Path, tenant: str) -> None:
    spoil(bundle, *(f"nobody-{number}" for number in range(60)))
    ended = run("import", bundle, "--tenant", tenant)
    assert ended.exit_code == 0
    assert "Bad rows, left out: 60" in ended.stderr
    lines = [line for line in ended.stderr.splitlines() if line.startswith("  enrollments.csv:")]
    assert len(lines) == 50
    assert "userSourcedId: the user 'nobody-0' is unknown." in lines[0]
    assert "  … and 10 more" in ended.stderr
    assert table(ended.stdout)["student"][0] == "60"


def test_with_strict_a_bad_row_refuses_all(bundle: Path, tenant: str, database: Database) -> None:
    spoil(bundle, "nobody")
    ended = run("import", bundle, "--tenant", tenant, "--strict")
    assert ended.exit_code == 1
    assert ended.stdout == ""
    assert "Nothing was imported" in ended.stderr
    with database.transaction(tenant_id(tenant)) as connection:
        assert connection.scalar(text("select count(*) from tenant")) == 0


@pytest.mark.parametrize("extra", [["--tenant", "No Slug"], ["--tenant", "t", "--timezone", "Mars/Olympus"]])
def test_a_name_or_zone_that_cannot_be_is_refused(bundle: Path, extra: list[str]) -> None:
    ended = run("import", bundle, *extra)
    assert ended.exit_code == 1
    assert ended.stderr.startswith("Nothing was imported")


def test_without_a_dev_and_without_servers_the_import_says_what_is_missing(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL")
    ended = run("import", bundle, "--tenant", "t")
    assert ended.exit_code == 1
    assert ended.stderr.startswith("Error: No dev runs")
    assert "DATABASE_URL and REDIS_URL are not set" in ended.stderr


def test_a_calendar_closes_days_at_once(bundle: Path, tenant: str, tmp_path: Path, rosters: RosterCache) -> None:
    """For every school, or for the one that the row names, whose word goes first."""
    run("import", bundle, "--tenant", tenant)
    key = tenant_id(tenant)
    school = roster_id(key, "school", "school")
    file = tmp_path / "days.csv"
    file.write_text(
        "date,is_school_day,title,school_source_id\n2026-12-24,false,Winter break,\n2026-12-24,yes,Choir,school\n"
    )
    before = rosters.rules(key)
    ended = run("calendar", file, "--tenant", tenant)
    assert (ended.exit_code, ended.stdout) == (0, f"{tenant}: 2 days created, 0 updated, 0 unchanged\n")
    rules = rosters.rules(key)
    assert rules.revision == before.revision + 1
    assert not rules.is_school_day(date(2026, 12, 24), None)
    assert rules.is_school_day(date(2026, 12, 24), school)

    file.write_text("date,is_school_day,title\n2026-12-24,0,Christmas Eve\n2026-12-25,0,Christmas Day\n")
    assert "1 days created, 1 updated, 0 unchanged" in run("calendar", file, "--tenant", tenant).stdout
    assert "0 days created, 0 updated, 2 unchanged" in run("calendar", file, "--tenant", tenant).stdout
    assert rosters.rules(key).revision == before.revision + 2, "nothing has changed the third time"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("2026-02-30,yes,x,", "days.csv:3: date: '2026-02-30' is no date"),
        ("2026-03-01,perhaps,x,", "days.csv:3: is_school_day: 'perhaps' is not true or false."),
        ("2026-03-01,,x,", "days.csv:3: is_school_day: must not be blank."),
        ("2026-03-01,yes,x,elsewhere", "days.csv:3: school_source_id: the school 'elsewhere' is unknown."),
        ("2026-01-01,no,x,", "days.csv:3: date: is in this file already."),
        ("2026-03-01,yes", "days.csv:3: has 2 cells; the header has 4."),
    ],
)
def test_a_bad_row_of_a_calendar_refuses_all_of_it(
    row: str, told: str, bundle: Path, tenant: str, tmp_path: Path, rosters: RosterCache
) -> None:
    run("import", bundle, "--tenant", tenant)
    file = tmp_path / "days.csv"
    file.write_text(f"date,is_school_day,title,school_source_id\n2026-01-01,no,New Year,\n{row}\n")
    ended = run("calendar", file, "--tenant", tenant)
    assert ended.exit_code == 1
    assert told in ended.stderr
    assert rosters.rules(tenant_id(tenant)).calendar == {}


def test_a_calendar_that_cannot_be_read_or_is_nobodys_is_refused(tenant: str, tmp_path: Path) -> None:
    file = tmp_path / "days.csv"
    assert "cannot be read" in run("calendar", file, "--tenant", tenant).stderr
    file.write_bytes(b"date,is_school_day,title\n2026-01-01,no,\xff\n")
    assert "is not UTF-8" in run("calendar", file, "--tenant", tenant).stderr
    file.write_text("date,title\n")
    assert "lacks the columns is_school_day" in run("calendar", file, "--tenant", tenant).stderr
    file.write_text("date,is_school_day,title\n2026-01-01,no,New Year\n")
    ended = run("calendar", file, "--tenant", tenant)
    assert ended.exit_code == 1
    assert f"There is no tenant {tenant!r}" in ended.stderr
