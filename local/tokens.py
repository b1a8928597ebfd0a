"""Bearer tokens for a laptop: signed with the checkout's own key, which no other stage believes."""

from __future__ import annotations

import time

import jwt

from chalicelib.db.ids import tenant_id

ISSUER = "rollcall-local"
AUDIENCE = "rollcall"
LIFE_DAYS = 30


def issue(key: str, *, role: str, tenant: str, subject: str) -> str:
    """A token by which `subject` acts in a `role` for the tenant of that name, for thirty days."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "tenant_id": tenant_id(tenant),
        "roles": [role],
        "iat": now,
        "exp": now + LIFE_DAYS * 86_400,
    }
    return jwt.encode(claims, key, "HS256")
