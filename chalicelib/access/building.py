"""The access to each server, as the settings say: a secret, tokens of IAM, or None, for what stands in the URL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property, partial
from urllib.parse import unquote, urlsplit

from chalicelib.access.login import Access
from chalicelib.config import Settings


class Accesses:
    """Each is made, and what it needs imported, when first asked for; nothing is read before the first connection."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        """`now` is the instant in UTC, for signatures."""
        self._settings, self._now = settings, now

    @cached_property
    def database(self) -> Access | None:
        """The app's role in Postgres."""
        if self._settings.aws is not None and self._settings.database_iam:
            from chalicelib.access.tokens import PostgresToken

            url = urlsplit(self._settings.database_url)
            user, host = unquote(url.username or ""), url.hostname or ""
            return PostgresToken(self._settings.aws, host, url.port or 5432, user, self._now)
        return self._secret(self._settings.database_secret_arn)

    @cached_property
    def owner(self) -> Access | None:
        """The owner of the database, who migrates."""
        return self._secret(self._settings.migration_database_secret_arn)

    @cached_property
    def redis(self) -> Access | None:
        """The app's user in Redis."""
        if self._settings.aws is not None and self._settings.redis_iam is not None:
            from chalicelib.access.tokens import RedisToken

            user = unquote(urlsplit(self._settings.redis_url).username or "")
            return RedisToken(self._settings.aws, self._settings.redis_iam, user, self._now)
        return self._secret(self._settings.redis_secret_arn)

    def _secret(self, arn: str | None) -> Access | None:
        if arn is None or self._settings.aws is None:
            return None
        from chalicelib.access.secret import SecretAccess
        from chalicelib.access.secrets_manager import SecretsManager

        return SecretAccess(partial(SecretsManager(self._settings.aws, self._now).login, arn))
