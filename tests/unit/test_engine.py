"""From a URL to a connection: sockets, TCP, and TLS that is either verified or refused."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from chalicelib.db.engine import connect_arguments, parse_url
from chalicelib.db.tls import tls_context


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+pg8000", "postgresql+psycopg"])
def test_any_spelling_of_the_scheme_is_read(scheme: str) -> None:
    """Hosting services disagree on it."""
    url = parse_url(f"{scheme}://ann:p%40ss@db.example:5433/rollcall")
    assert (url.drivername, url.host, url.port) == ("postgresql+pg8000", "db.example", 5433)
    assert connect_arguments(url) == {"user": "ann", "password": "p@ss", "database": "rollcall"}


@pytest.mark.parametrize(
    ("query", "socket"),
    [
        ("unix_sock=/run/x/.s.PGSQL.5433", "/run/x/.s.PGSQL.5433"),
        ("host=/run/x", "/run/x/.s.PGSQL.5432"),
    ],
)
def test_a_socket_is_named_by_its_path_or_its_folder(query: str, socket: str) -> None:
    """As libpq and as SQLAlchemy name it."""
    assert connect_arguments(parse_url(f"postgresql://ann@/rollcall?{query}"))["unix_sock"] == socket


def test_without_a_sslmode_nothing_is_encrypted() -> None:
    """For sockets and the loopback."""
    assert tls_context(parse_url("postgresql://db/rollcall")) is None
    assert tls_context(parse_url("postgresql://db/rollcall?sslmode=disable")) is None


def test_tls_checks_the_chain_and_the_name() -> None:
    """Against the certificate named, or those of the system."""
    bundle = ssl.get_default_verify_paths().cafile
    root = f"&sslrootcert={bundle}" if bundle and Path(bundle).exists() else ""
    context = tls_context(parse_url(f"postgresql://db/rollcall?sslmode=verify-full{root}"))
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("mode", ["require", "verify-ca", "VERIFY-FULL", "on"])
def test_tls_that_would_not_know_the_server_is_refused(mode: str) -> None:
    """Encrypting to whoever answers only looks safe."""
    with pytest.raises(ValueError, match="verify-full"):
        tls_context(parse_url(f"postgresql://db/rollcall?sslmode={mode}"))
