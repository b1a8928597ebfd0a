"""Tokens of IAM in place of passwords: a signed URL, made anew for each connection and good for 15 minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from chalicelib.access.login import Login
from chalicelib.access.signature import Signer
from chalicelib.server_settings import AwsSettings, RedisIam

GOOD_FOR_S = 900


class PostgresToken:
    """Signs in to RDS as a role that was granted `rds_iam`. The role of the function needs `rds-db:connect`."""

    def __init__(self, aws: AwsSettings, host: str, port: int, user: str, now: Callable[[], datetime]) -> None:
        self._aws, self._where, self._user, self._now = aws, f"{host}:{port}", user, now

    def offers(self) -> Iterator[Login]:
        """One token; whoever is refused with it will not be let in with the next."""
        query = {"Action": "connect", "DBUser": self._user}
        yield Login(self._user, Signer(self._aws, "rds-db", self._now()).url(self._where, query, GOOD_FOR_S))


class RedisToken:
    """Signs in to ElastiCache or MemoryDB. The role of the function needs `elasticache:Connect` or `memorydb:Connect`.

    AWS ends such a connection after twelve hours; ours are made anew long before.
    """

    def __init__(self, aws: AwsSettings, iam: RedisIam, user: str, now: Callable[[], datetime]) -> None:
        self._aws, self._iam, self._user, self._now = aws, iam, user, now

    def offers(self) -> Iterator[Login]:
        """One token."""
        query = {"Action": "connect", "User": self._user}
        if self._iam.kind == "serverless":
            query["ResourceType"] = "ServerlessCache"
        service = "memorydb" if self._iam.kind == "memorydb" else "elasticache"
        yield Login(self._user, Signer(self._aws, service, self._now()).url(self._iam.cache, query, GOOD_FOR_S))
