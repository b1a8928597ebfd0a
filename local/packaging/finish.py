"""Finish a zip for Lambda: without what is not used, compiled, and the same bytes for the same sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first instant that a zip can tell."""

_TASK_ROOT = "/var/task"

_UNUSED = ("aws_lambda_powertools/event_handler",)
"""Of Powertools only lines of log are used: this part is a web framework with pages of its own, 0.8 MB of the zip."""


def finish(path: Path) -> None:
    """Put compiled modules beside the sources, and write the zip anew in order and without dates.

    /var/task is read-only there: without compiled modules every cold start compiles all that it imports, and can keep
    none of it. They are not checked against their sources (PEP 552), whose dates Lambda does not keep. The same bytes
    mean that Terraform deploys nothing.
    """
    with tempfile.TemporaryDirectory(prefix="rollcall-zip-") as folder:
        root = Path(folder)
        with zipfile.ZipFile(path) as zipped:
            zipped.extractall(root)
        for folder_name in _UNUSED:
            shutil.rmtree(root / folder_name, ignore_errors=True)
        _compile(root)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
            for file in sorted(one for one in root.rglob("*") if one.is_file()):
                entry = zipfile.ZipInfo(file.relative_to(root).as_posix(), _EPOCH)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                zipped.writestr(entry, file.read_bytes())


def _compile(root: Path) -> None:
    """Tracebacks will name the files by where they lie on Lambda."""
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run(
        [*command, "-s", str(root), "-p", _TASK_ROOT, str(root)],
        env={**os.environ, "PYTHONHASHSEED": "0"},  # else sets of constants come in any order
        check=True,
    )
