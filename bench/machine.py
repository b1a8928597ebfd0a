"""Names the machine by what matters for a figure: processor, memory, kernel, versions. Never by its host name."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from local.servers.binaries import find_postgres, find_redis

_BENCH = Path(__file__).parent
_PACKAGES = ("SQLAlchemy", "pg8000", "redis", "pydantic", "chalice")


def machine() -> dict[str, str]:
    """Facts by their names, in the order in which they are told."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "Python": platform.python_version(),
        "Postgres": _told(find_postgres() / "postgres"),
        "Redis": _told(find_redis()),
        "peers": _peers(),
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }


def load() -> float:
    """How many processes wanted to run in the last minute, on average."""
    return os.getloadavg()[0]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    parts = [named.get("model name", platform.machine())]
    parts += [f"family {named['cpu family']} model {named['model']}"] if "cpu family" in named else []
    return ", ".join(parts)


def _peers() -> str:
    """The pinned versions of the peers and of what they write with; Node is the machine's own, if it has one."""
    pinned = json.loads((_BENCH / "node" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    lines = (_BENCH / "requirements.txt").read_text(encoding="utf-8").splitlines()
    named = dict(line.split("==") for line in lines if "==" in line)
    told = [f"{name} {pinned[name]}" for name in ("bullmq", "ioredis", "pg")]
    told += [f"{name} {named[name]}" for name in ("celery", "rq", "SQLAlchemy", "psycopg")]
    node = shutil.which("node")
    return ", ".join([f"Node {_told(Path(node)).lstrip('v')}" if node else "Node of the wheel", *told])


def _told(program: Path) -> str:
    """What a program says of its version, without where and how it was built."""
    said = subprocess.check_output([program, "--version"], text=True, timeout=10).split()
    if "(PostgreSQL)" in said or len(said) == 1:
        return " ".join(said[:3])
    return " ".join(said[:1] + [word for word in said if word.startswith("v=")])
