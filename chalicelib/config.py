"""Settings of this deployment, read once from the environment; nothing else reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

LOCAL = "local"
MOST_SHARDS = 64
"""An idle drain of all looks at each in turn."""


class BadSettings(Exception):
    """The environment does not describe a deployment that can work."""


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """Whose bearer tokens are believed: an issuer with a JWKS, or, on a laptop only, a shared key."""

    issuer: str
    audience: str
    jwks_url: str | None = None
    local_key: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """One deployment. URLs carry credentials: they are never printed."""

    stage: str
    database_url: str
    redis_url: str
    tokens: TokenSettings
    queue_name: str = "rollcall"
    queue_shards: int = 1
    queue_shards_also: int | None = None
    redis_min_replicas: int = 0
    redis_cluster: bool = False
    drain_function: str | None = None
    websocket_url: str | None = None
    websocket_endpoint: str | None = None
    database_pool: int = 2
    migration_database_url: str | None = None

    def owner_url(self) -> str:
        """Where migrations run. Raises BadSettings in every function but the one that runs them."""
        if self.migration_database_url is None:
            raise BadSettings("MIGRATION_DATABASE_URL is not set.")
        return self.migration_database_url

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. Raises BadSettings, naming the variable, for what is missing or cannot be.

        ROLLCALL_STAGE        local, dev, staging, prod (default: prod, the strictest)
        DATABASE_URL          postgresql://rollcall_app:…@host/database?sslmode=verify-full&sslrootcert=…
        MIGRATION_DATABASE_URL  the same database as its owner; only the migrate function is told
        REDIS_URL             rediss://user:…@host:6379/0
        JWT_ISSUER            the `iss` that tokens must carry
        JWT_AUDIENCE          the `aud` that tokens must carry (default: rollcall)
        JWT_JWKS_URL          where the issuer publishes its keys
        JWT_LOCAL_KEY         a shared key instead; refused unless the stage is local
        QUEUE_NAME            (default: rollcall)
        QUEUE_SHARDS          shards of the queue, 1 to 64, over which tenants are spread (default: 1)
        QUEUE_SHARDS_ALSO     another number of shards, by which jobs may lie while it changes (docs/how-to/shards.md)
        REDIS_MIN_REPLICAS    replicas that must have a job before it is answered 202 (default: 0)
        REDIS_CLUSTER         1 if REDIS_URL is a server of a cluster, or a configuration endpoint (default: 0)
        DRAIN_FUNCTION        the Lambda to wake after a push; without it, only the schedule drains
        WEBSOCKET_URL         where clients open WebSockets: wss://…; without it there is no live progress
        WEBSOCKET_ENDPOINT    where messages to them are posted, before /@connections: https://…; goes with the URL
        DATABASE_POOL         connections this process may hold (default: 2, a drain writes two batches at once)
        """
        env = os.environ if environment is None else environment
        stage = env.get("ROLLCALL_STAGE", "prod")
        websocket_url, websocket_endpoint = _websocket(env, stage)
        return cls(
            stage=stage,
            database_url=_required(env, "DATABASE_URL"),
            redis_url=_required(env, "REDIS_URL"),
            tokens=_tokens(env, stage),
            queue_name=env.get("QUEUE_NAME", "rollcall"),
            queue_shards=_number(env, "QUEUE_SHARDS", 1, least=1, most=MOST_SHARDS),
            queue_shards_also=_number(env, "QUEUE_SHARDS_ALSO", 0, least=1, most=MOST_SHARDS) or None,
            redis_min_replicas=_number(env, "REDIS_MIN_REPLICAS", 0),
            redis_cluster=bool(_number(env, "REDIS_CLUSTER", 0)),
            drain_function=env.get("DRAIN_FUNCTION") or None,
            websocket_url=websocket_url,
            websocket_endpoint=websocket_endpoint,
            database_pool=_number(env, "DATABASE_POOL", 2, least=1),
            migration_database_url=env.get("MIGRATION_DATABASE_URL") or None,
        )


def _tokens(env: Mapping[str, str], stage: str) -> TokenSettings:
    local_key = env.get("JWT_LOCAL_KEY") or None
    jwks_url = env.get("JWT_JWKS_URL") or None
    if local_key and stage != LOCAL:
        raise BadSettings(f"JWT_LOCAL_KEY is for a laptop: it is refused in the stage {stage!r}.")
    if local_key and len(local_key) < 32:
        raise BadSettings("JWT_LOCAL_KEY must have at least 32 characters.")
    if jwks_url and stage != LOCAL and not jwks_url.startswith("https://"):
        raise BadSettings("JWT_JWKS_URL must begin with https://: who can change the keys can be anybody.")
    if not (local_key or jwks_url):
        raise BadSettings("JWT_JWKS_URL is not set.")
    return TokenSettings(_required(env, "JWT_ISSUER"), env.get("JWT_AUDIENCE", "rollcall"), jwks_url, local_key)


def _websocket(env: Mapping[str, str], stage: str) -> tuple[str | None, str | None]:
    url, endpoint = env.get("WEBSOCKET_URL") or None, env.get("WEBSOCKET_ENDPOINT") or None
    if (url is None) != (endpoint is None):
        raise BadSettings("WEBSOCKET_URL and WEBSOCKET_ENDPOINT go together: set both, or neither.")
    for name, value, scheme in (("WEBSOCKET_URL", url, "ws"), ("WEBSOCKET_ENDPOINT", endpoint, "http")):
        schemes = (f"{scheme}s://", f"{scheme}://") if stage == LOCAL else (f"{scheme}s://",)
        if value is not None and not value.startswith(schemes):
            raise BadSettings(f"{name} must begin with {schemes[0]}.")
    return url, endpoint


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name)
    if not value:
        raise BadSettings(f"{name} is not set.")
    return value


def _number(env: Mapping[str, str], name: str, default: int, least: int = 0, most: int | None = None) -> int:
    text = env.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and int(text) >= least):
        raise BadSettings(f"{name} must be a whole number from {least} on, not {text!r}.")
    if most is not None and int(text) > most:
        raise BadSettings(f"{name} must be {most} at most, not {text}.")
    return int(text)
