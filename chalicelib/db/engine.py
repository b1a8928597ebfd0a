"""Connections to Postgres by pg8000: from a URL to an engine that is quick on a socket and verified over a network."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import pg8000.dbapi
from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event, make_url

from chalicelib.access.login import Access, Login, sign_in
from chalicelib.db.faults import sqlstate
from chalicelib.db.prepared import prepare_statements
from chalicelib.db.tls import tls_context

CONNECT_TIMEOUT_S = 5.0

LIFETIME_S = 3600
"""A connection is made anew after so long: one that was signed in with a password of before does not live for ever."""

_REFUSED = {"28P01", "28000"}
"""SQLSTATEs of a server that does not let us in: a wrong password, a role that may not log in."""

_READ_ONLY = "25006"

_VANISHED = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 30_000}
"""A server that vanished without a word is given up after half a minute, not after the two hours of Linux' defaults."""


def parse_url(url: str) -> URL:
    """Read `postgres://`, `postgresql://`, `postgresql+pg8000://`; `?host=/dir` or `?unix_sock=/path` name a socket."""
    return make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+pg8000")


def connect_arguments(url: URL) -> dict[str, Any]:
    """The arguments of `pg8000.dbapi.connect` for `url`, without the socket of a TCP connection."""
    query = dict(url.query)
    arguments: dict[str, Any] = {"user": url.username or "postgres", "database": url.database}
    if url.password is not None:
        arguments["password"] = str(url.password)
    directory = query.get("host") or (url.host if url.host and url.host.startswith("/") else None)
    if "unix_sock" in query:
        arguments["unix_sock"] = query["unix_sock"]
    elif directory:
        arguments["unix_sock"] = f"{directory}/.s.PGSQL.{url.port or 5432}"
    return arguments


def make_engine(url: str, *, pool_size: int = 1, max_overflow: int = 0, access: Access | None = None) -> Engine:
    """An engine whose connections come up in a few milliseconds.

    pg8000's default builds a TLS context at every connect (30 ms), and leaves Nagle's algorithm on over TCP (40 ms a
    COPY), so both are set here once. Connections are opened as they are needed, up to `pool_size`. Each is signed in
    with what `access` offers then, or with what stands in the URL.
    """
    parsed = parse_url(url)
    arguments = connect_arguments(parsed)
    context = tls_context(parsed)

    host, path = parsed.host or "127.0.0.1", arguments.pop("unix_sock", None)

    def connect(login: Login | None) -> Any:
        who = {"user": login.user, "password": login.password} if login else {}
        sock = _open_socket(path, host, parsed.port or 5432)
        try:
            return pg8000.dbapi.connect(**arguments | who, host=host, sock=sock, ssl_context=context or False)
        except BaseException:
            with contextlib.suppress(OSError):
                sock.close()
            raise

    def open_() -> Any:
        return connect(None) if access is None else sign_in(access, connect, _refused)

    engine = create_engine(
        "postgresql+pg8000://",
        creator=open_,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        pool_recycle=LIFETIME_S,
        pool_use_lifo=True,
        hide_parameters=True,  # errors are logged, and marks are nobody's business there
    )
    prepare_statements(engine)
    event.listen(engine, "handle_error", _leave_a_standby)
    return engine


def _leave_a_standby(context: ExceptionContext) -> None:
    """After a failover an open connection may lead to what is only a standby now: it would refuse every write."""
    if context.original_exception is not None and sqlstate(context.original_exception) == _READ_ONLY:
        context.is_disconnect = True


def _refused(error: Exception) -> bool:
    return sqlstate(error) in _REFUSED


def _open_socket(path: str | None, host: str, port: int) -> socket.socket:
    """A socket that came up in time. The limit is not kept: a statement may take longer than a connection."""
    if path is None:
        sock = socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _VANISHED.items():
            if hasattr(socket, name):  # not on every system
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    else:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(CONNECT_TIMEOUT_S)
        try:
            sock.connect(path)
        except OSError:
            sock.close()
            raise
    sock.settimeout(None)
    return sock
