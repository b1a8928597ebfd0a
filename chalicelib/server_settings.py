"""How the servers are reached, as the environment tells it: URLs, what is signed in with, and what of it is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, urlsplit

LOCAL = "local"

_ARN = re.compile(r"arn:(aws[a-z-]*):secretsmanager:([a-z0-9-]+):\d{12}:secret:[^\s:]+")
_REDIS_IAM = re.compile(r"(node|serverless|memorydb):([a-z][a-z0-9-]*)")


class BadSettings(Exception):
    """The environment does not describe a deployment that can work."""


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """The region, the keys of the function's role as Lambda hands them over, and where Secrets Manager answers."""

    region: str
    key_id: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(repr=False)
    secrets_endpoint: str


@dataclass(frozen=True, slots=True)
class RedisIam:
    """Whose tokens Redis takes: `kind` is node, serverless (both ElastiCache) or memorydb, `cache` its name there."""

    kind: str
    cache: str


def required(env: Mapping[str, str], name: str) -> str:
    """The variable. Raises BadSettings if it is missing or empty."""
    value = env.get(name)
    if not value:
        raise BadSettings(f"{name} is not set.")
    return value


def database_url(env: Mapping[str, str], prefix: str, stage: str, *, iam: bool = False) -> str:
    """{prefix}_URL. Raises BadSettings if it cannot be read, or would not be verified TLS outside of a laptop."""
    name = f"{prefix}_URL"
    url, parts = _url(env, name)
    if stage != LOCAL and parse_qs(parts.query).get("sslmode") != ["verify-full"]:
        raise BadSettings(f"{name} must have sslmode=verify-full in the stage {stage!r}.")
    _one_login(env, name, f"{prefix}_SECRET_ARN", parts, iam=iam)
    return url


def redis_url(env: Mapping[str, str], stage: str, *, iam: bool = False) -> str:
    """REDIS_URL. Raises BadSettings as `database_url` does."""
    url, parts = _url(env, "REDIS_URL")
    others = {name for name in parse_qs(parts.query) if name.startswith("ssl_")} - {"ssl_ca_certs"}
    if stage != LOCAL and (parts.scheme != "rediss" or others):
        raise BadSettings(f"REDIS_URL must begin with rediss://, without ssl_… but ssl_ca_certs, in stage {stage!r}.")
    _one_login(env, "REDIS_URL", "REDIS_SECRET_ARN", parts, iam=iam)
    return url


def secret_arn(env: Mapping[str, str], name: str) -> str | None:
    """The ARN of a secret, or None. Raises BadSettings for what is none."""
    arn = env.get(name) or None
    if arn is not None and not _ARN.fullmatch(arn):
        raise BadSettings(f"{name} must be the ARN of a secret of Secrets Manager.")
    return arn


def redis_iam(env: Mapping[str, str]) -> RedisIam | None:
    """REDIS_IAM, or None. Raises BadSettings for what cannot be."""
    if not env.get("REDIS_IAM"):
        return None
    found = _REDIS_IAM.fullmatch(env["REDIS_IAM"])
    if found is None:
        raise BadSettings("REDIS_IAM must be node:NAME, serverless:NAME or memorydb:NAME.")
    return RedisIam(found[1], found[2])


def aws(env: Mapping[str, str], stage: str) -> AwsSettings:
    """What Lambda tells every function. Raises BadSettings if it is missing."""
    region = env.get("AWS_REGION") or required(env, "AWS_DEFAULT_REGION")
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    endpoint = env.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or env.get("AWS_ENDPOINT_URL")
    if endpoint and stage != LOCAL and not endpoint.startswith("https://"):
        raise BadSettings("AWS_ENDPOINT_URL_SECRETS_MANAGER must begin with https://: secrets come from there.")
    return AwsSettings(
        region,
        required(env, "AWS_ACCESS_KEY_ID"),
        required(env, "AWS_SECRET_ACCESS_KEY"),
        env.get("AWS_SESSION_TOKEN") or None,
        endpoint or f"https://secretsmanager.{region}.{domain}",
    )


def _url(env: Mapping[str, str], name: str) -> tuple[str, SplitResult]:
    url = required(env, name)
    try:
        parts = urlsplit(url)
        _ = parts.port, parts.hostname
    except ValueError:  # its message would show a part of the password
        raise BadSettings(f"{name} cannot be read: are signs like / # ? in its password percent-encoded?") from None
    return url, parts


def _one_login(env: Mapping[str, str], url: str, secret: str, parts: SplitResult, *, iam: bool) -> None:
    told = [f"the password in {url}"] if parts.password else []
    told += [secret] if secret_arn(env, secret) else []
    told += ["tokens of IAM"] if iam else []
    if len(told) > 1:
        raise BadSettings(f"One way to sign in is enough, not {told[0]} and {told[1]}.")
    if iam and not (parts.username and parts.hostname):
        raise BadSettings(f"{url} must name the user and the host that a token of IAM is for.")
