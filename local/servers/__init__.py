"""Real Postgres and Redis on a laptop, and an emulated AWS: no Docker, no root, nothing to install but wheels.

with EmbeddedPostgres() as postgres, EmbeddedRedis() as redis:
    engine = create_engine(postgres.url("postgres"), connect_args={"ssl_context": False})
    client = Redis.from_url(redis.url())
"""

from __future__ import annotations

from .localstack import LocalStack
from .postgres import EmbeddedPostgres
from .redis import EmbeddedRedis
from .unprivileged import ServerError

__all__ = ["EmbeddedPostgres", "EmbeddedRedis", "LocalStack", "ServerError"]
