"""`python -m local`: the commands of the local stack."""

from __future__ import annotations

from local.cli import main

if __name__ == "__main__":
    main()
