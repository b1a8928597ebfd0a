"""Look into a zip: what is in it is pinned in requirements.txt, nothing is missing, all is for the right machine."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .package import Package

MAX_ZIP = 25_000_000
"""Bytes. Lambda itself takes 50 MB; the rest is room for what is still to come."""

OURS = frozenset({"app.py", "chalicelib", "chalice", "__pycache__"})
"""What stands at the top of a zip and belongs to no distribution; Chalice adds its own runtime."""

_DIST_INFO = re.compile(r"([^/]+)-([^/-]+)\.dist-info/RECORD")
_MACHINES = {"x86_64": 0x3E, "arm64": 0xB7}  # e_machine of the ELF header


class PackageFault(Exception):
    """The package cannot be made, or would not run."""


def check(package: Package, requirements: Path) -> None:
    """Raises PackageFault with everything that is wrong."""
    with zipfile.ZipFile(package.zip) as zipped:
        found, wanted = distributions(zipped), pinned(requirements)
        faults = [f"{name} {version} is not in {requirements.name}" for name, version in found.items() - wanted.items()]
        faults += [f"{name} {version} is missing" for name, version in wanted.items() - found.items()]
        faults += [f"{name} belongs to no distribution" for name in strangers(zipped)]
        for architecture in {function.architecture for function in package.functions.values()}:
            faults += [f"{name} is not for {architecture}" for name in foreign(zipped, architecture)]
    size = package.zip.stat().st_size
    if size > MAX_ZIP:
        faults.append(f"the zip has {size:,} bytes, more than {MAX_ZIP:,}")
    if faults:
        raise PackageFault("The package is wrong: " + "; ".join(sorted(faults)) + ".")


def pinned(requirements: Path, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Name and version of each line whose marker holds on Linux, in the running Python."""
    whole = requirements.read_text(encoding="utf-8").replace("\\\n", " ")  # hashes stand on lines of their own
    lines = [line.partition("--hash=")[0].strip() for line in whole.splitlines() if line.strip()]
    there = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", **(environment or {})}
    found = [Requirement(line) for line in lines if not line.startswith("#")]
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in found
        if one.marker is None or one.marker.evaluate(there)
    }


def distributions(zipped: zipfile.ZipFile) -> dict[str, str]:
    """Name and version of each distribution that is installed in the zip."""
    matches = filter(None, map(_DIST_INFO.fullmatch, zipped.namelist()))
    return {canonicalize_name(match[1]): match[2] for match in matches}


def top_level(names: Iterable[str]) -> set[str]:
    """What one sees at the top."""
    return {PurePosixPath(name).parts[0] for name in names}


def strangers(zipped: zipfile.ZipFile) -> set[str]:
    """What stands at the top and neither is ours nor was brought by any distribution."""
    recorded = {
        line.split(",")[0].strip('"')
        for name in zipped.namelist()
        if _DIST_INFO.fullmatch(name)
        for line in zipped.read(name).decode().splitlines()
    }
    return top_level(zipped.namelist()) - top_level(recorded) - OURS


def foreign(zipped: zipfile.ZipFile, architecture: str) -> list[str]:
    """Libraries that were built for another machine, or for none that Lambda has."""
    return [
        name
        for name in zipped.namelist()
        if PurePosixPath(name).suffix == ".so" and _machine(zipped, name) != _MACHINES[architecture]
    ]


def _machine(zipped: zipfile.ZipFile, name: str) -> int | None:
    with zipped.open(name) as library:
        header = library.read(20)
    return int.from_bytes(header[18:20], "little") if header.startswith(b"\x7fELF") else None
