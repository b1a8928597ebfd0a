"""PostgreSQL, embedded."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psutil

from .binaries import find_postgres, major_version
from .server import EmbeddedServer
from .supervised import is_alive
from .unprivileged import ServerError, reachable

SUPERUSER = "postgres"

_INITDB = [
    f"--username={SUPERUSER}",
    "--auth-local=trust",
    "--auth-host=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",  # the locale is named, since one that LANG names may be missing on this machine
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
]

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "random_page_cost": "1.1",  # as on the SSD of a hosted server; the default of 4 chooses sequential scans
    "jit": "off",
}
_FAST_BUT_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL cluster; a crash may lose its last commits unless it is `durable`.

    Any role that exists may log in through the unix socket without a password; TCP needs one. pg8000 wants
    `connect_args={"ssl_context": False}`, else it builds a TLS context, 30 ms, at every connect.
    """

    name: ClassVar[str] = "Postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # SIGTERM would wait for the clients to leave

    def __init__(self, folder: Path | None = None, port: int | None = None, *, durable: bool = False) -> None:
        programs = find_postgres()
        super().__init__(folder, port)
        self.durable = durable
        self._postgres = reachable(programs / "postgres", self.user)
        # A cluster belongs to one major version; another version gets a folder of its own.
        self.data = self.folder / f"pg{major_version(self._postgres)}"
        self._password_file = self.folder / "superuser-password"

    @property
    def socket(self) -> Path:
        """The unix socket."""
        return self.sockets / f".s.PGSQL.{self.port}"

    @property
    def password(self) -> str:
        """The superuser's password, made when the cluster was."""
        return self._password_file.read_text()

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """For SQLAlchemy with pg8000, through the unix socket."""
        return f"postgresql+pg8000://{quote(user)}@/{quote(database)}?unix_sock={quote(str(self.socket))}"

    def tcp_url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        """For SQLAlchemy with pg8000, over TCP; the password defaults to the superuser's."""
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql+pg8000://{quote(user)}:{secret}@127.0.0.1:{self.port}/{quote(database)}"

    def _prepare(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        draft = self.data.with_suffix(".new")  # an initdb that was cut short is never taken for a cluster
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        for path in (draft, self._password_file):
            self.user.own(path)
        command: list[str | Path] = [self._postgres.with_name("initdb"), *_INITDB]
        command += [f"--pgdata={draft}", f"--pwfile={self._password_file}"]
        command += [] if self.durable else ["--no-sync"]
        made = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **self.user.drop)
        if made.returncode:
            raise ServerError(f"initdb failed:\n{made.stderr[-2000:]}")
        draft.rename(self.data)

    def _command(self) -> Sequence[str | Path]:
        settings = _SETTINGS | ({} if self.durable else _FAST_BUT_FORGETFUL)
        settings |= {"port": str(self.port), "unix_socket_directories": str(self.sockets)}
        pairs = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        return [self._postgres, "-D", self.data, *pairs]

    def _environment(self) -> Mapping[str, str]:
        """Tell Postgres of a lock file whose process is a zombie, or another program that got the same id.

        It would take either for a living server and refuse to start. What this variable names it takes for
        its own ancestor, and still checks that no old backend uses the data; without the file it cannot.
        """
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            if not self._is_our_server(pid):
                return {"PG_GRANDPARENT_PID": str(pid)}
        return {}

    def _is_our_server(self, pid: int) -> bool:
        try:
            process = psutil.Process(pid)
            return is_alive(process) and str(self.data) in process.cmdline()
        except psutil.NoSuchProcess:
            return False

    def _answers(self) -> bool:
        """Postgres writes its process id in the first line of its lock file, and `ready` in the eighth."""
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"
