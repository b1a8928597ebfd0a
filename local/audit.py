"""Ask whether a pinned dependency has a known vulnerability: `python -m local.audit [--required] [options]`.

pip-audit looks each pin up at a service on the Internet. Where that cannot be reached nothing is known, which is said
aloud and never taken for clean; with `--required` it is a failure, as a vulnerability is in any case. Other options go
to pip-audit.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.folder import ROOT

PINS = ROOT / "requirements-dev.txt"
"""It holds what is in requirements.txt, too."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What is known: pins that were looked up, a line for each vulnerability, and why pins could not be looked up."""

    asked: int
    found: Sequence[str] = ()
    unknown: Sequence[str] = ()


def audit(pins: Path, options: Sequence[str] = ()) -> Audit:
    """Look up every pin of a file; `options` are further ones of pip-audit."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "5"]
    ran = subprocess.run(
        [*command, "--disable-pip", "--requirement", str(pins), *options], capture_output=True, text=True, check=False
    )
    try:
        pinned = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError):  # it ends with a trace when the service is out of reach
        reason = ran.stderr.strip().rpartition("\n")[2] or "pip-audit said nothing"
        return Audit(0, unknown=[reason[:300]])
    return Audit(
        asked=sum("vulns" in one for one in pinned),
        found=[
            f"{one['name']} {one['version']}: {fault['id']}, fixed in {', '.join(fault['fix_versions']) or 'none'}"
            for one in pinned
            for fault in one.get("vulns", ())
        ],
        unknown=[one["skip_reason"] for one in pinned if "skip_reason" in one],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is known; 1 for a vulnerability, or for not knowing where that was required."""
    options = list(sys.argv[1:] if arguments is None else arguments)
    required = "--required" in options
    known = audit(PINS, [option for option in options if option != "--required"])
    for line in known.found:
        print(f"VULNERABLE {line}")
    if known.unknown:
        print(
            f"NOT AUDITED: {len(known.unknown)} lookups failed, {known.asked} pins were looked up. "
            f"Whether the others are vulnerable is not known. The first: {known.unknown[0]}",
            file=sys.stderr,
        )
    elif not known.found:
        print(f"No known vulnerability in {known.asked} pinned dependencies.")
    return int(bool(known.found) or (required and (bool(known.unknown) or not known.asked)))


if __name__ == "__main__":
    sys.exit(main())
