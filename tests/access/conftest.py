"""A Secrets Manager for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.access.vault import Vault, open_vault


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """Empty but for what tests keep in it."""
    with open_vault() as vault:
        yield vault
