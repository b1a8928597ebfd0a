"""RDS gives every instance its own resource id, by which Terraform finds it; moto gives all the same."""

from __future__ import annotations

import secrets
from functools import wraps
from typing import Any

from moto.rds.models import DBInstance


def mend() -> None:
    """Make the ids differ."""
    original = DBInstance.__init__

    @wraps(original)
    def make(self: DBInstance, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        self.dbi_resource_id = f"db-{secrets.token_hex(13).upper()}"

    DBInstance.__init__ = make  # type: ignore[method-assign]
