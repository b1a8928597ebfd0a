"""A small school as a OneRoster bundle, to be changed and written by tests."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

Files = dict[str, list[dict[str, str]]]
"""Rows by file name, without `.csv`."""


def small_school() -> Files:
    """Two students, a teacher who is a mother too, an aide and a father; a homeroom and a class in two periods."""
    return {
        "orgs": [
            {"sourcedId": "d", "name": "Little District", "type": "district"},
            {"sourcedId": "s1", "name": "Hill School", "type": "school", "parentSourcedId": "d"},
        ],
        "academicSessions": [
            _session("year", "schoolYear", "2026-08-24", "2027-06-11"),
            _session("fall", "semester", "2026-08-24", "2026-12-18", "year"),
        ],
        "courses": [{"sourcedId": "c-art", "title": "Art"}],
        "classes": [
            _class("home", "Homeroom 1", "homeroom", "year"),
            _class("art", "Art 1", "scheduled", "fall", course="c-art", periods="2 - Morning, Noon"),
        ],
        "users": [
            _user("ann", "Ann", "Abel", agentSourcedIds="eve,max", grades="01"),
            _user("bob", "Bob", "Bell", grades="02"),
            _user("eve", "Eve", "Abel", email="eve@hill.example", sms="+1 555 0100", phone="+1 555 0199"),
            _user("max", "Max", "Abel", email="max@home.example", phone="+1 555 0101"),
            _user("ida", "Ida", "Innes"),
        ],
        "roles": [
            _role("ann", "student"),
            _role("bob", "student"),
            _role("eve", "teacher"),
            _role("eve", "parent", "secondary"),
            _role("max", "guardian"),
            _role("ida", "aide"),
        ],
        "enrollments": [
            enrolled("e1", "home", "ann", "student", "2026-08-24", "2027-06-11"),
            enrolled("e2", "home", "bob", "student"),
            enrolled("e3", "art", "ann", "student"),
            enrolled("e4", "home", "eve", "teacher"),
            enrolled("e5", "art", "eve", "teacher"),
            enrolled("e6", "art", "ida", "aide"),
        ],
    }


def enrolled(key: str, section: str, user: str, role: str, begin: str = "", end: str = "") -> dict[str, str]:
    """A row of enrollments.csv."""
    return {
        "sourcedId": key, "classSourcedId": section, "schoolSourcedId": "s1", "userSourcedId": user, "role": role,
        "primary": "false", "beginDate": begin, "endDate": end,
    }  # fmt: skip


def row(files: Files, file: str, key: str) -> dict[str, str]:
    """The row of `file` with this sourcedId."""
    return next(row for row in files[file] if row["sourcedId"] == key)


def without(files: Files, file: str, *keys: str) -> Files:
    """The files without some rows of one of them."""
    return {**files, file: [row for row in files[file] if row["sourcedId"] not in keys]}


def to_csv(file: str, rows: Iterable[Mapping[str, str]]) -> str:
    """CSV with all columns that any row has here or in the small school, status second."""
    listed = [*rows]
    known = [*small_school().get(file, []), *listed]
    columns = dict.fromkeys(["sourcedId", "status", *(name for row in known for name in row)])
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(columns), restval="")
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue()


def manifest(modes: Mapping[str, str]) -> str:
    """A manifest.csv that gives each file its mode."""
    lines = [f"file.{file},{mode}" for file, mode in modes.items()]
    return "\n".join(["propertyName,value", "manifest.version,1.0", "oneroster.version,1.2", *lines, ""])


def texts(files: Files, mode: str = "bulk", **modes: str) -> dict[str, str]:
    """The texts of a bundle by file name; all files have `mode` unless `modes` gives them another."""
    listed = {file: modes.get(file, mode) for file in files} | modes
    return {"manifest.csv": manifest(listed)} | {f"{file}.csv": to_csv(file, rows) for file, rows in files.items()}


def save(folder: Path, contents: Mapping[str, str | bytes]) -> Path:
    """Write files into a new folder and return it."""
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def zipped(path: Path, contents: Mapping[str, str | bytes]) -> Path:
    """Write files into a new zip and return it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def _session(key: str, kind: str, start: str, end: str, parent: str = "") -> dict[str, str]:
    return {
        "sourcedId": key, "title": key.title(), "type": kind, "startDate": start, "endDate": end,
        "parentSourcedId": parent, "schoolYear": "2027",
    }  # fmt: skip


def _class(key: str, title: str, kind: str, terms: str, *, course: str = "", periods: str = "") -> dict[str, str]:
    return {
        "sourcedId": key, "title": title, "courseSourcedId": course, "classCode": key.upper(), "classType": kind,
        "schoolSourcedId": "s1", "termSourcedIds": terms, "periods": periods,
    }  # fmt: skip


def _user(key: str, given: str, family: str, **more: str) -> dict[str, str]:
    return {"sourcedId": key, "givenName": given, "familyName": family, "primaryOrgSourcedId": "s1", **more}


def _role(user: str, role: str, kind: str = "primary") -> dict[str, str]:
    return {
        "sourcedId": f"{user}-{role}", "userSourcedId": user, "roleType": kind, "role": role, "orgSourcedId": "s1",
    }  # fmt: skip
