"""From a URL to a connection: sockets, TCP, and TLS that is either verified or refused."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from chalicelib.db.engine import _open_socket, connect_arguments, parse_url
from chalicelib.db.tls import AUTHORITIES, tls_context


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


def test_the_roots_of_rds_are_those_of_the_region_of_the_host() -> None:
    """Three for a region, all made by Amazon, and good for decades."""
    host = "rollcall.abc123.eu-west-1.rds.amazonaws.com"
    context = tls_context(parse_url(f"postgresql://{host}/rollcall?sslmode=verify-full&sslrootcert=rds"))
    assert context is not None
    roots = [x509.load_der_x509_certificate(root) for root in context.get_ca_certs(binary_form=True)]
    names = sorted(str(root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value) for root in roots)
    assert names == [f"Amazon RDS eu-west-1 Root CA {kind} G1" for kind in ("ECC384", "RSA2048", "RSA4096")]
    assert {root.not_valid_after_utc.year for root in roots} == {2061, 2121}
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_every_root_in_the_package_is_its_own_and_strictly_valid() -> None:
    """Python 3.13 is stricter than those before: it wants CA certificates marked and signed as the RFC says."""
    files = list(AUTHORITIES.glob("rds-*.pem"))
    assert len(files) >= 27
    for file in files:
        for root in x509.load_pem_x509_certificates(file.read_bytes()):
            root.verify_directly_issued_by(root)
            of_ca = root.extensions.get_extension_for_class(x509.BasicConstraints)
            assert (of_ca.critical, of_ca.value.ca) == (True, True)
            assert root.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
            assert file.stem.removeprefix("rds-") in root.subject.rfc4514_string()


@pytest.mark.parametrize("host", ["localhost", "db.example", "x.mars-west-1.rds.amazonaws.com", "rds.amazonaws.com"])
def test_roots_of_rds_for_another_host_are_refused(host: str) -> None:
    """Whoever has a region of its own names a file."""
    with pytest.raises(ValueError, match="RDS"):
        tls_context(parse_url(f"postgresql://{host}/rollcall?sslmode=verify-full&sslrootcert=rds"))


def test_a_server_that_vanishes_is_noticed_in_half_a_minute() -> None:
    """Linux would wait for two hours."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        _open_socket(None, "127.0.0.1", server.getsockname()[1]) as sock,
    ):
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            idle, between, count = (sock.getsockopt(socket.IPPROTO_TCP, option) for option in options)
            assert idle + between * count == 30
