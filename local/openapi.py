"""Write the OpenAPI document to a file or to standard output: `python -m local.openapi [FILE]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from chalicelib.api.openapi import document
from chalicelib.api.routes import operations

COMMITTED = Path(__file__).parent.parent / "docs" / "reference" / "openapi.json"
"""Where the description is kept beside the code; a test compares the two."""


def render() -> str:
    """The document as indented JSON."""
    return json.dumps(document(operations()), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the document to the file named, else to standard output."""
    names = sys.argv[1:] if arguments is None else arguments
    if names:
        Path(names[0]).write_text(render(), encoding="utf-8")
    else:
        sys.stdout.write(render())


if __name__ == "__main__":
    main()
