"""TLS to Postgres that knows whom it talks to: which authorities are believed for which URL."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

from sqlalchemy import URL

AUTHORITIES = Path(__file__).parent / "authorities"
"""The root certificates of RDS, a file a region, as AWS publishes them; RDS Proxy has certificates of Amazon's public
authorities instead, which are among the system's."""

_RDS_HOST = re.compile(r"\.([a-z]{2}-[a-z-]+-\d)\.rds\.amazonaws\.com$")


def tls_context(url: URL) -> ssl.SSLContext | None:
    """TLS by `?sslmode=verify-full`: chain and host name are checked. Any other sslmode but `disable` and `prefer` is
    refused, since it would encrypt without knowing to whom.

    `sslrootcert` says whom to believe: a file; `rds`, those of RDS in the host's region; `system` or nothing, those of
    the system. To make a context takes tens of milliseconds: make one an engine, not one a connection.
    """
    mode = url.query.get("sslmode", "disable")
    if mode in {"disable", "prefer"}:
        return None
    if mode != "verify-full":
        raise ValueError(f"sslmode={mode} would not verify the server: use verify-full with sslrootcert.")
    root = str(url.query.get("sslrootcert", "system"))
    if root == "rds":
        return ssl.create_default_context(cafile=str(_of_rds(url.host or "")))
    return ssl.create_default_context(cafile=None if root == "system" else root)


def _of_rds(host: str) -> Path:
    found = _RDS_HOST.search(host)
    if found is None:
        raise ValueError(f"sslrootcert=rds is for hosts of RDS, not for {host!r}.")
    file = AUTHORITIES / f"rds-{found[1]}.pem"
    if not file.exists():
        raise ValueError(f"The authorities of RDS in {found[1]} are not in the package: name a file in sslrootcert.")
    return file
