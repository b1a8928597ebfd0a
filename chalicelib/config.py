"""Settings of this deployment, read once from the environment; nothing else reads it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib import server_settings
from chalicelib.server_settings import LOCAL, AwsSettings, BadSettings, RedisIam, required

__all__ = ["LOCAL", "BadSettings", "Settings", "TokenSettings"]

MOST_SHARDS = 64
"""An idle drain of all looks at each in turn."""


def on_lambda(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this process is run by AWS Lambda, which always names the function."""
    return "AWS_LAMBDA_FUNCTION_NAME" in (os.environ if environment is None else environment)


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """Whose bearer tokens are believed: an issuer with a JWKS, or, on a laptop only, a shared key."""

    issuer: str
    audience: str
    jwks_url: str | None = None
    local_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a minute: so many at once, and they come back evenly."""

    of_tenant: int
    of_user: int


@dataclass(frozen=True, slots=True)
class RateSettings:
    """How much may be asked; a read is a GET. The defaults suit a morning on which one user sends all registers."""

    writes: Rate = Rate(of_tenant=6_000, of_user=600)
    reads: Rate = Rate(of_tenant=30_000, of_user=3_000)


_ANY_RATE = 1_000_000
"""The highest rate that can be set, and the one of a laptop, where nobody has to be kept from anybody."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One deployment. URLs may carry credentials: they are never printed."""

    stage: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
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
    migration_database_url: str | None = field(default=None, repr=False)
    database_secret_arn: str | None = None
    migration_database_secret_arn: str | None = None
    redis_secret_arn: str | None = None
    database_iam: bool = False
    redis_iam: RedisIam | None = None
    aws: AwsSettings | None = None
    xray_daemon: tuple[str, int] | None = None
    rates: RateSettings = RateSettings()
    cors_origins: frozenset[str] = frozenset()

    def owner_url(self) -> str:
        """Where migrations run. Raises BadSettings in every function but the one that runs them."""
        if self.migration_database_url is None:
            raise BadSettings("MIGRATION_DATABASE_URL is not set.")
        return self.migration_database_url

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. Raises BadSettings, naming the variable, for what is missing or cannot be.

        ROLLCALL_STAGE        local, dev, staging, prod (default: prod, the strictest)
        DATABASE_URL          postgresql://rollcall_app:…@host/database?sslmode=verify-full&sslrootcert=rds
        DATABASE_SECRET_ARN   the secret with username and password; the URL then has none
        DATABASE_IAM          1 if tokens of IAM are the passwords of the URL's user (default: 0)
        MIGRATION_DATABASE_URL  the same database as its owner; only the migrate function is told
        MIGRATION_DATABASE_SECRET_ARN  the owner's secret
        REDIS_URL             rediss://user:…@host:6379/0
        REDIS_SECRET_ARN      the secret with username and password; the URL then has none
        REDIS_IAM             node:NAME, serverless:NAME, memorydb:NAME: the cache whose tokens of IAM are the passwords
        JWT_ISSUER            the `iss` that tokens must carry
        JWT_AUDIENCE          the `aud` that tokens must carry (default: rollcall)
        JWT_JWKS_URL          where the issuer publishes its keys
        JWT_LOCAL_KEY         a shared key instead; refused unless the stage is local
        QUEUE_NAME            (default: rollcall)
        QUEUE_SHARDS          shards of the queue, 1 to 64, over which tenants are spread (default: 1)
        QUEUE_SHARDS_ALSO     another number of shards, by which jobs may lie while it changes (operate-the-queue.md)
        REDIS_MIN_REPLICAS    replicas that must have a job before it is answered 202 (default: 0)
        REDIS_CLUSTER         1 if REDIS_URL is a server of a cluster, or a configuration endpoint (default: 0)
        DRAIN_FUNCTION        the Lambda to wake after a push; without it, only the schedule drains
        WEBSOCKET_URL         where clients open WebSockets: wss://…; without it there is no live progress
        WEBSOCKET_ENDPOINT    where messages to them are posted, before /@connections: https://…; goes with the URL
        AWS_XRAY_DAEMON_ADDRESS  host:port that takes traces; Lambda sets it where tracing is on
        DATABASE_POOL         connections this process may hold (default: 2, a drain writes two batches at once)
        RATE_TENANT_WRITES    requests a minute that change something, of a whole tenant (default: 6000)
        RATE_USER_WRITES      the same, of one user (default: 600)
        RATE_TENANT_READS     requests a minute that only read, of a whole tenant (default: 30000)
        RATE_USER_READS       the same, of one user (default: 3000); in the stage local all four are 1000000
        CORS_ORIGINS          web pages that may call the API: https://attendance.example,https://… (default: none;
                              in the stage local http://localhost:*,http://127.0.0.1:*, where * is any port)
        """
        env = os.environ if environment is None else environment
        stage = env.get("ROLLCALL_STAGE", "prod")
        tokens = _tokens(env, stage)
        websocket_url, websocket_endpoint = _websocket(env, stage)
        database_iam, redis_iam = bool(_number(env, "DATABASE_IAM", 0)), server_settings.redis_iam(env)
        owner_url = env.get("MIGRATION_DATABASE_URL") and server_settings.database_url(env, "MIGRATION_DATABASE", stage)
        prefixes = ("DATABASE", "MIGRATION_DATABASE", "REDIS")
        database, owner, redis = (server_settings.secret_arn(env, f"{prefix}_SECRET_ARN") for prefix in prefixes)
        asks_aws = any((database, owner, redis, database_iam, redis_iam))
        return cls(
            stage=stage,
            database_url=server_settings.database_url(env, "DATABASE", stage, iam=database_iam),
            redis_url=server_settings.redis_url(env, stage, iam=redis_iam is not None),
            tokens=tokens,
            queue_name=env.get("QUEUE_NAME", "rollcall"),
            queue_shards=_number(env, "QUEUE_SHARDS", 1, least=1, most=MOST_SHARDS),
            queue_shards_also=_number(env, "QUEUE_SHARDS_ALSO", 0, least=1, most=MOST_SHARDS) or None,
            redis_min_replicas=_number(env, "REDIS_MIN_REPLICAS", 0),
            redis_cluster=bool(_number(env, "REDIS_CLUSTER", 0)),
            drain_function=env.get("DRAIN_FUNCTION") or None,
            websocket_url=websocket_url,
            websocket_endpoint=websocket_endpoint,
            database_pool=_number(env, "DATABASE_POOL", 2, least=1),
            migration_database_url=owner_url or None,
            database_secret_arn=database,
            migration_database_secret_arn=owner,
            redis_secret_arn=redis,
            database_iam=database_iam,
            redis_iam=redis_iam,
            aws=server_settings.aws(env, stage) if asks_aws else None,
            xray_daemon=_address(env, "AWS_XRAY_DAEMON_ADDRESS"),
            rates=_rates(env, stage),
            cors_origins=_origins(env, stage),
        )


def _rates(env: Mapping[str, str], stage: str) -> RateSettings:
    usual = RateSettings()

    def rate(of_what: str, default: Rate) -> Rate:
        if stage == LOCAL:
            default = Rate(_ANY_RATE, _ANY_RATE)
        return Rate(
            of_tenant=_number(env, f"RATE_TENANT_{of_what}", default.of_tenant, least=1, most=_ANY_RATE),
            of_user=_number(env, f"RATE_USER_{of_what}", default.of_user, least=1, most=_ANY_RATE),
        )

    return RateSettings(writes=rate("WRITES", usual.writes), reads=rate("READS", usual.reads))


def _origins(env: Mapping[str, str], stage: str) -> frozenset[str]:
    form, default = r"https://[a-z0-9.-]+(:\d+)?", ""
    if stage == LOCAL:
        form, default = r"https?://[a-z0-9.-]+(:(\d+|\*))?", "http://localhost:*,http://127.0.0.1:*"
    origins = (env.get("CORS_ORIGINS") or default).split(",")
    found = frozenset(origin.strip() for origin in origins if origin.strip())
    for origin in sorted(found):
        if not re.fullmatch(form, origin):
            raise BadSettings(f"CORS_ORIGINS lists origins such as https://attendance.example, not {origin!r}.")
    return found


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
    return TokenSettings(required(env, "JWT_ISSUER"), env.get("JWT_AUDIENCE", "rollcall"), jwks_url, local_key)


def _websocket(env: Mapping[str, str], stage: str) -> tuple[str | None, str | None]:
    url, endpoint = env.get("WEBSOCKET_URL") or None, env.get("WEBSOCKET_ENDPOINT") or None
    if (url is None) != (endpoint is None):
        raise BadSettings("WEBSOCKET_URL and WEBSOCKET_ENDPOINT go together: set both, or neither.")
    for name, value, scheme in (("WEBSOCKET_URL", url, "ws"), ("WEBSOCKET_ENDPOINT", endpoint, "http")):
        schemes = (f"{scheme}s://", f"{scheme}://") if stage == LOCAL else (f"{scheme}s://",)
        if value is not None and not value.startswith(schemes):
            raise BadSettings(f"{name} must begin with {schemes[0]}.")
    return url, endpoint


def _address(env: Mapping[str, str], name: str) -> tuple[str, int] | None:
    host, _, port = env.get(name, "").rpartition(":")
    return (host, int(port)) if host and port.isascii() and port.isdecimal() else None


def _number(env: Mapping[str, str], name: str, default: int, least: int = 0, most: int | None = None) -> int:
    text = env.get(name, "")
    if not text:
        return default
    number = int(text) if text.isascii() and text.isdecimal() else -1
    if number < least or (most is not None and number > most):
        upward = "on" if most is None else f"to {most}"
        raise BadSettings(f"{name} must be a whole number from {least} {upward}, not {text!r}.")
    return number
