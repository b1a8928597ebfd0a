"""Open a bundle, a folder or a zip, as text by file name.

A zip comes from outside: nothing of it is written to disk, and what is read of it is bounded.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from chalicelib.services.roster_import.problems import ImportRefused, refused

MANIFEST = "manifest.csv"
MAX_BYTES = 512 * 1024 * 1024
"""All files of a bundle together, unpacked; a district of 100,000 students needs some 300 MiB."""

_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""What every exporter writes. LZMA would let the file itself say how much memory unpacking it takes."""

_BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError,
    OverflowError,
)  # fmt: skip
"""What Python's readers raise for a damaged zip, an unknown compression or a missing password."""

Opener = Callable[[], IO[bytes]]


class Bundle:
    """The CSV files of an open bundle; names are told apart without regard to case."""

    def __init__(self, name: str, files: dict[str, Opener], max_bytes: int) -> None:
        self._name = name
        self._files = files
        self._left = max_bytes

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._files

    def text(self, name: str) -> str:
        """The whole of a file, as it is but for a byte order mark. Raises ImportRefused."""
        try:
            with self._files[name.lower()]() as stream:
                data = stream.read(self._left + 1)
        except _BROKEN_ZIP as error:
            raise refused(name, f"cannot be read ({error}).") from error
        self._left -= len(data)
        if self._left < 0:
            raise refused(name, f"{self._name} is too large when unpacked.")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise refused(name, f"is not UTF-8 (byte {error.start} of the file).") from error


@contextmanager
def open_bundle(path: Path, max_bytes: int = MAX_BYTES) -> Iterator[Bundle]:
    """Open the folder or zip at `path`, whose files lie at its root or in one folder in it. Raises ImportRefused."""
    if path.is_dir():
        yield Bundle(path.name, _choose(path.name, _folder_files(path)), max_bytes)
        return
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise refused(path.name, "there is no such file or folder.") from error
    except _BROKEN_ZIP as error:
        raise refused(path.name, f"is not a zip file ({error}).") from error
    with archive:
        yield Bundle(path.name, _choose(path.name, _zip_files(path.name, archive)), max_bytes)


def _folder_files(root: Path) -> dict[PurePosixPath, Opener]:
    found: dict[PurePosixPath, Opener] = {}
    for path in (*root.glob("*"), *root.glob("*/*")):
        if path.is_file():
            found[PurePosixPath(path.relative_to(root).as_posix())] = _opener(path)
    return found


def _opener(path: Path) -> Opener:
    return lambda: path.open("rb")


def _zip_files(name: str, archive: zipfile.ZipFile) -> dict[PurePosixPath, Opener]:
    found: dict[PurePosixPath, Opener] = {}
    for info in archive.infolist():
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or PureWindowsPath(info.filename).drive:
            raise refused(name, f"holds a path that leads out of it: {info.filename!r}.")
        if info.flag_bits & 0x1:
            raise refused(name, f"is encrypted ({info.filename!r}).")
        if info.compress_type not in _PACKED:
            raise refused(name, f"is packed by a method that is not read here ({info.filename!r}).")
        if not info.is_dir():
            if path in found:
                raise refused(name, f"holds {info.filename!r} twice.")
            found[path] = partial(archive.open, info)
    return found


def _choose(name: str, files: dict[PurePosixPath, Opener]) -> dict[str, Opener]:
    """The files beside the only manifest, by lower-case name."""
    folders: dict[PurePosixPath, dict[str, Opener]] = defaultdict(dict)
    for path, opener in files.items():
        # A Mac adds a twin `__MACOSX/._users.csv` to each file.
        if len(path.parts) not in {1, 2} or path.parts[0] == "__MACOSX" or path.name.startswith("._"):
            continue
        if path.suffix.lower() != ".csv":
            continue
        if path.name.lower() in folders[path.parent]:
            raise refused(name, f"holds two files that differ only in case: {str(path)!r}.")
        folders[path.parent][path.name.lower()] = opener
    bundles = [folder for folder in folders.values() if MANIFEST in folder]
    if not bundles:
        raise refused(MANIFEST, f"is missing in {name}.")
    if len(bundles) > 1:
        raise ImportRefused(f"{name} holds {len(bundles)} manifests; one bundle at a time.")
    return bundles[0]
