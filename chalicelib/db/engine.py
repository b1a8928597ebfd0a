"""Connections to Postgres by pg8000: from a URL to an engine that is quick on a socket and verified over a network."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any

import pg8000.dbapi
from sqlalchemy import URL, Engine, create_engine, make_url

from chalicelib.db.prepared import prepare_statements

CONNECT_TIMEOUT_S = 5.0


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


def tls_context(url: URL) -> ssl.SSLContext | None:
    """TLS by `?sslmode=verify-full&sslrootcert=FILE`: chain and host name are checked. Any other sslmode but
    `disable` and `prefer` is refused, since it would encrypt without knowing to whom."""
    mode = url.query.get("sslmode", "disable")
    if mode in {"disable", "prefer"}:
        return None
    if mode != "verify-full":
        raise ValueError(f"sslmode={mode} would not verify the server: use verify-full with sslrootcert.")
    root = url.query.get("sslrootcert")
    return ssl.create_default_context(cafile=str(root) if root else None)


def make_engine(url: str, *, pool_size: int = 1, max_overflow: int = 0) -> Engine:
    """An engine whose connections come up in a few milliseconds.

    pg8000's default builds a TLS context at every connect (30 ms), and leaves Nagle's algorithm on over TCP (40 ms a
    COPY), so both are set here once. Connections are opened as they are needed, up to `pool_size`.
    """
    parsed = parse_url(url)
    arguments = connect_arguments(parsed)
    context = tls_context(parsed)

    host, path = parsed.host or "127.0.0.1", arguments.pop("unix_sock", None)

    def connect() -> Any:
        sock = _open_socket(path, host, parsed.port or 5432)
        try:
            return pg8000.dbapi.connect(**arguments, host=host, sock=sock, ssl_context=context or False)
        except BaseException:
            with contextlib.suppress(OSError):
                sock.close()
            raise

    engine = create_engine(
        "postgresql+pg8000://",
        creator=connect,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        pool_use_lifo=True,
        hide_parameters=True,  # errors are logged, and marks are nobody's business there
    )
    prepare_statements(engine)
    return engine


def _open_socket(path: str | None, host: str, port: int) -> socket.socket:
    """A socket that came up in time. The limit is not kept: a statement may take longer than a connection."""
    if path is None:
        sock = socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a server that vanished is noticed in the end
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
