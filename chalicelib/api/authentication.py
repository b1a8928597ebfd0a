"""Bearer tokens: who sends this request, by a JWT of the identity provider or, on a laptop, of a local key."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

import jwt

from chalicelib.config import TokenSettings
from chalicelib.domain.attendance import Role
from chalicelib.errors import Forbidden, Unauthenticated, Unavailable
from chalicelib.services.actor import Actor

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SUBJECT = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,255}")
_ASYMMETRIC = ("RS256", "ES256")
_REMEMBERED, _REMEMBERED_S = 500, 60.0
"""A token that was checked is believed for a minute, or until it expires: to check it took a tenth of a request."""
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="rollcall"'}


class Authenticator:
    """Turns the Authorization header into an Actor."""

    def __init__(self, settings: TokenSettings, now: Callable[[], float] = time.time) -> None:
        self._settings, self._now = settings, now
        self._known: dict[str, tuple[Actor, float]] = {}

    def identify(self, header: str | None) -> Actor:
        """The bearer. Raises Unauthenticated for no token or a bad one, Forbidden for one without a known role."""
        if header is None:
            raise Unauthenticated(headers=_CHALLENGE)
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send `Authorization: Bearer <token>`.", headers=_CHALLENGE)
        actor, until = self._known.get(token, (None, 0.0))
        if actor is None or self._now() >= until:
            claims = self._claims(token.strip())
            actor = _actor(claims)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[token] = actor, min(int(claims["exp"]), self._now() + _REMEMBERED_S)
        return actor

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            key, algorithms = self._key_for(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=algorithms,
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                leeway=30,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise Unavailable("The issuer's keys cannot be read.", headers={"Retry-After": "5"}) from error
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The token has expired.", headers=_CHALLENGE) from None
        except (jwt.PyJWTError, ValueError, TypeError):  # PyJWT lets a TypeError through for an `iss` that is no text
            # Which check failed is the attacker's question.
            raise Unauthenticated("The token is not valid here.", headers=_CHALLENGE) from None
        return claims

    def _key_for(self, token: str) -> tuple[Any, list[str]]:
        """The key and the algorithm that goes with it: never the one that the token itself proposes."""
        if self._settings.local_key is not None:
            return self._settings.local_key, ["HS256"]
        try:
            self._jwks.get_signing_keys()
        except (jwt.PyJWTError, ValueError) as error:
            # The token may be good: its bearer need not sign in again.
            raise Unavailable("The issuer's keys cannot be read.", headers={"Retry-After": "5"}) from error
        known = self._jwks.get_signing_key_from_jwt(token)
        return known.key, [name for name in _ASYMMETRIC if name == known.algorithm_name]

    @cached_property
    def _jwks(self) -> jwt.PyJWKClient:
        # Single keys are not cached: they would outlive the key set in which they were withdrawn.
        return jwt.PyJWKClient(str(self._settings.jwks_url), lifespan=3600, timeout=3)


def _actor(claims: dict[str, Any]) -> Actor:
    tenant, roles = claims.get("tenant_id"), claims.get("roles")
    if not isinstance(tenant, str) or not _UUID.fullmatch(tenant):
        raise Unauthenticated("The token names no tenant.", headers=_CHALLENGE)
    if not _SUBJECT.fullmatch(str(claims["sub"])):
        # It goes into each mark as `marked_by`: text that Postgres cannot store would kill the job hours later. And it
        # goes into logs: a line break in it would write a line of its own.
        raise Unauthenticated("The token's subject is not a name that can be kept.", headers=_CHALLENGE)
    if not isinstance(roles, list):
        raise Forbidden("The token names no role that is known here.")
    known = frozenset(role for role in Role if role.value in roles)
    if not known:
        raise Forbidden("The token names no role that is known here.")
    return Actor(subject=str(claims["sub"]), tenant=tenant, roles=known)
