"""Fetch the wheels of requirements.txt, for Lambda and for this machine, and believe none whose hash is not pinned.

Chalice asks pip for each package by name and version only, so it is given these and no index.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .contents import PackageFault
from .package import Architecture

_MACHINES: Mapping[Architecture, str] = {"arm64": "aarch64", "x86_64": "x86_64"}
_GLIBC = 26 if sys.version_info < (3, 12) else 34
"""glibc 2.X of the runtime of the running Python: Amazon Linux 2, or 2023."""

_DOWNLOAD = [
    sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps",
    "--only-binary=:all:",
]  # fmt: skip


def fetch_wheels(requirements: Path, target: Path, architecture: Architecture) -> dict[str, str]:
    """Put the wheels into the new folder `target`; the environment in which pip finds these and nothing else.

    Those of this machine are for Chalice, which first looks what each package is. Raises PackageFault for a package
    without a wheel, and for one that is not what was pinned.
    """
    machine = _MACHINES[architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(_GLIBC, 4, -1)] + [f"manylinux2014_{machine}"]
    abi = f"cp{sys.version_info.major}{sys.version_info.minor}"
    lambdas = ["--implementation", "cp", "--abi", abi, *(f"--platform={platform}" for platform in platforms)]
    for whose in (lambdas, []):
        ran = subprocess.run(
            [*_DOWNLOAD, *whose, "--dest", str(target), "--requirement", str(requirements)],
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise PackageFault(f"The wheels of {requirements.name} cannot be had:\n{ran.stderr[-2000:]}")
    return {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(target)}
