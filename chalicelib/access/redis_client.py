"""A client of Redis that is impatient, knows whom it talks to, and signs each connection in with what is valid then."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from redis import ConnectionPool, Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.credentials import CredentialProvider, UsernamePasswordCredentialProvider
from redis.exceptions import AuthenticationError, RedisClusterException, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from chalicelib.access.login import Access, Login, sign_in
from chalicelib.errors import Unavailable

LIFETIME_S = 3600
"""A connection is made anew after so long. AWS ends those signed in by IAM after twelve hours; and one that was signed
in with a password of before does not live for ever."""


def make_redis(url: str, access: Access | None = None, *, cluster: bool = False) -> Redis | RedisCluster:
    """A client with short timeouts and one retry: a request would rather be refused than hang.

    Connections are signed in with what `access` offers, or with what stands in the URL. `rediss://` checks chain and
    host name against `?ssl_ca_certs=FILE`, or against the authorities of the system.
    Raises Unavailable where a cluster, which is asked for its shape at once, does not answer.
    """
    options: dict[str, Any] = {"socket_connect_timeout": 1.0, "socket_timeout": 3.0, "retry": Retry(NoBackoff(), 1)}
    if access is not None:
        url, options["credential_provider"] = _without_user(url), _Credentials(access)
    if not cluster:
        return Redis.from_pool(_Pool.from_url(url, **options))
    try:
        return RedisCluster.from_url(url, require_full_coverage=False, connection_pool_class=_Pool, **options)
    except (RedisError, RedisClusterException) as error:
        raise Unavailable("Redis does not answer.", headers={"Retry-After": "1"}) from error


class _Credentials(CredentialProvider):
    """Carries the access to where a connection is signed in."""

    def __init__(self, access: Access) -> None:
        self.access = access

    def get_credentials(self) -> tuple[str, str]:
        login = next(self.access.offers())
        return login.user, login.password


class _SigningIn(AbstractConnection):
    """Tries the next login when one is refused, and ends when it is old."""

    def connect(self) -> None:
        if self._sock and time.monotonic() - self._made_at > LIFETIME_S:
            self.disconnect()
        connect: Callable[[], None] = super().connect
        connect()

    def on_connect_check_health(self, check_health: bool = True) -> None:
        self._made_at = time.monotonic()
        provider = self.credential_provider
        if not isinstance(provider, _Credentials):
            super().on_connect_check_health(check_health)
            return

        def try_(login: Login) -> None:
            self.credential_provider = UsernamePasswordCredentialProvider(login.user, login.password)
            super(_SigningIn, self).on_connect_check_health(check_health)

        try:
            sign_in(provider.access, try_, lambda error: isinstance(error, AuthenticationError))
        except Unavailable as error:  # an error of Redis' own kind, so that the client closes the connection
            raise RedisConnectionError(error.detail) from error
        finally:
            self.credential_provider = provider


class _Verified(_SigningIn, SSLConnection):
    """TLS by one context: redis-py would make one at every connect (30 ms), and add a given authority to the system's
    instead of believing it alone."""

    def _wrap_socket_with_ssl(self, sock: Any) -> ssl.SSLSocket:
        if self.certfile or not self.check_hostname or self.cert_reqs is not ssl.CERT_REQUIRED:
            wrap: Callable[[Any], ssl.SSLSocket] = super()._wrap_socket_with_ssl
            return wrap(sock)  # a laptop's wish: other stages refuse such a URL
        return _context(self.ca_certs).wrap_socket(sock, server_hostname=self.host)


class _Tcp(_SigningIn, Connection):
    """In the clear, on a laptop."""


class _Socket(_SigningIn, UnixDomainSocketConnection):
    """The same on a unix socket."""


class _Pool(ConnectionPool):
    """Makes connections of ours. A pool, since a cluster's client lets nobody choose the class of its connections."""

    def __init__(self, connection_class: type[Connection] = Connection, **options: Any) -> None:
        ours = {SSLConnection: _Verified, UnixDomainSocketConnection: _Socket}.get(connection_class, _Tcp)
        super().__init__(connection_class=ours, **options)


@cache
def _context(authorities: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authorities)


def _without_user(url: str) -> str:
    return re.sub(r"^([a-z]+://)[^/?#]*@", r"\1", url)
