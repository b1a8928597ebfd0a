"""A consumer that drains the queue once and tells its own peak of memory: `python -m bench.consumer`."""

from __future__ import annotations

import json
import re
import resource
import sys
from pathlib import Path

from chalicelib.config import Settings
from chalicelib.container import Container


def peak_bytes() -> int:
    """The most memory that this process has had resident."""
    try:
        # ru_maxrss would keep the peak of the process that started us, from the moment before our program replaced it.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    container = Container(Settings.from_environment())
    report = container.drain.run(lambda: 900_000, linger_s=0)
    container.close()
    print(json.dumps({"completed": report.completed, "peak_bytes": peak_bytes()}))
