"""Who runs the servers: ourselves, or, as root, an ordinary user, since Postgres refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict


class ServerError(RuntimeError):
    """An embedded server cannot be found, reached or started; the message says why."""


class DropTo(TypedDict, total=False):
    """The arguments of Popen that change the user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user that runs the servers; `drop` is empty when that is the user we are."""

    name: str
    drop: DropTo

    @classmethod
    def current(cls) -> ServerUser:
        """Ourselves, or, as root, `postgres` or else `nobody`. Raises ServerError if there is neither."""
        if os.geteuid() != 0:
            return cls(str(os.geteuid()), {})
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(name, {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []})
        raise ServerError("running as root, and there is no user postgres or nobody to run the servers as")

    def own(self, path: Path) -> None:
        """Give a file or folder of ours to this user."""
        if self.drop:
            os.chown(path, self.drop["user"], self.drop["group"])

    def can_run(self, program: Path) -> bool:
        """Whether this user may reach and execute a program, or enter a folder."""
        if not self.drop:
            return os.access(program, os.X_OK)
        attempt = subprocess.run(["/bin/sh", "-c", 'test -x "$0"', program], cwd="/", check=False, **self.drop)
        return attempt.returncode == 0


def reachable(program: Path, user: ServerUser) -> Path:
    """The program, or a copy of the package that holds it, where this user may not reach the original.

    A virtual environment in a home that is closed to others (0700) is the usual case. The copy is made once
    a version and kept in the temporary folder. Raises ServerError for a program that did not come in a wheel.
    """
    if user.can_run(program):
        return program
    site = next((p for p in program.parents if p.name in {"site-packages", "dist-packages"}), None)
    if site is None:
        raise ServerError(f"user {user.name} may not run {program}")
    package = program.relative_to(site).parts[0]
    stamp = f"{program.stat().st_mtime_ns:x}-{program.stat().st_size:x}"
    copy = Path(tempfile.gettempdir()) / f"rollcall-{package}-{os.geteuid()}-{stamp}"
    if not copy.exists():
        _copy_package(site, package, copy)
    if copy.stat().st_uid != os.geteuid():
        raise ServerError(f"{copy} belongs to somebody else")
    return copy / program.relative_to(site)


def _copy_package(site: Path, package: str, target: Path) -> None:
    """Copy a package, and beside it the shared libraries, which its programs look for at that place."""
    draft = Path(tempfile.mkdtemp(prefix="rollcall-copy-"))
    for name in (package, f"{package}.libs"):
        if (site / name).is_dir():
            unneeded = shutil.ignore_patterns("include", "*.a", "__pycache__")
            shutil.copytree(site / name, draft / name, symlinks=True, ignore=unneeded)
    for path in [draft, *draft.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        draft.rename(target)
    except OSError:  # another process made the same copy first
        shutil.rmtree(draft)
