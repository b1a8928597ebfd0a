"""API Gateway forgets the role by which it writes logs when it is told none; moto wants to be told one."""

from __future__ import annotations

from functools import wraps
from typing import Any

from moto.apigateway.models import Account


def mend() -> None:
    """Take an operation without a value for one with an empty value."""
    original = Account.apply_patch_operations

    @wraps(original)
    def apply_patch_operations(self: Account, patch_operations: list[dict[str, Any]]) -> Account:
        return original(self, [{"value": "", **one} for one in patch_operations])

    Account.apply_patch_operations = apply_patch_operations  # type: ignore[method-assign]
