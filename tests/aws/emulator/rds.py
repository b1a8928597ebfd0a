"""RDS gives every instance its own resource id, by which Terraform finds it, and a certificate of the usual authority.

moto gives all the same id, and an authority that there is not: Terraform would change it, and wait a minute more.
"""

from __future__ import annotations

import secrets
from functools import wraps
from typing import Any

from moto.rds.models import DBInstance


def mend() -> None:
    """Make the ids differ, and the authority be one."""
    original = DBInstance.__init__

    @wraps(original)
    def make(self: DBInstance, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        self.ca_certificate_identifier = named.get("ca_certificate_identifier", "rds-ca-rsa2048-g1")
        self.dbi_resource_id = f"db-{secrets.token_hex(13).upper()}"

    DBInstance.__init__ = make  # type: ignore[method-assign]
