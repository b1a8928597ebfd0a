"""The folder where the local stack keeps its signing key and says what runs: `.local/` of the checkout."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The checkout."""

FOLDER_VARIABLE = "ROLLCALL_LOCAL_DIR"


def local_folder() -> Path:
    """The folder, made if it is not there; ROLLCALL_LOCAL_DIR puts it elsewhere."""
    folder = Path(os.environ.get(FOLDER_VARIABLE) or ROOT / ".local").absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def signing_key(folder: Path) -> str:
    """The key that signs this checkout's tokens, made at the first call; only its owner may read it."""
    path = folder / "jwt-key"
    if not path.exists():
        draft = _draft(folder, secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # unlike a rename, it leaves the key of whoever was quicker
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="utf-8")


def write_whole(path: Path, text: str) -> None:
    """Write a file that only its owner may read, so that a reader finds all of it or what was there before."""
    _draft(path.parent, text).replace(path)


def _draft(folder: Path, text: str) -> Path:
    number, name = tempfile.mkstemp(prefix=".draft-", dir=folder)  # mode 0600
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)
