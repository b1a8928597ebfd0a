"""The whole of Rollcall on this machine: servers, schema, schools, the API over HTTP, and a consumer.

with Stack() as stack:
    httpx.get(stack.url + "/sections", headers={"Authorization": "Bearer " + stack.token("teacher")})
"""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from sqlalchemy import Engine

from chalicelib.api.doors import BASE
from chalicelib.container import Container
from chalicelib.db.engine import make_engine
from chalicelib.services.roster_import import ImportReport
from local import tokens
from local.bearers import find_bearers
from local.consumer import READY_S, ConsumerProcess, warm_up
from local.demo_school import BEARERS, SCHOOLS
from local.faults import StackFault
from local.folder import local_folder, signing_key
from local.front_door import front_door
from local.gateway import lambda_environment, reserve, serve, websocket_settings
from local.postgres_in_use import open_postgres
from local.redis_in_use import open_redis
from local.rosters import import_roster, import_school
from local.settings import environment

Step = Callable[[str], AbstractContextManager[object]]
"""Called with the name of what comes next; its context lasts as long as that does."""

_SILENT: Step = lambda _: nullcontext()  # noqa: E731  typed


@dataclass(frozen=True, slots=True)
class OwnServers:
    """The URLs of servers that run already; None is started for the stack."""

    database_url: str | None = None
    redis_url: str | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Those in DATABASE_URL and REDIS_URL."""
        return cls(os.environ.get("DATABASE_URL") or None, os.environ.get("REDIS_URL") or None)


class Stack:
    """Everything runs inside the `with` block. Raises StackFault, ServerError or an error of Rollcall's own.

    `port` 0 takes a free one. `roster` is imported for the tenant `demo` in place of the made-up school. Of
    Postgres and Redis it starts only what `servers` has no URL for.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        roster: Path | None = None,
        servers: OwnServers | None = None,
        log_folder: Path | None = None,
        step: Step = _SILENT,
    ) -> None:
        self._servers = servers or OwnServers()
        self._roster = roster
        self._port = port
        self._log_folder = log_folder
        self._step = step
        self._open = ExitStack()
        self.base = ""
        self.database_url = ""
        self.redis_url = ""
        self.owner_url: str | None = None
        self.imports: dict[str, ImportReport] = {}
        self.tenants: dict[str, dict[str, str]] = {}

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self._start(opening)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *raised: object) -> None:
        self._open.close()

    @property
    def url(self) -> str:
        """Where the API is: the paths of the contract follow."""
        return self.base + BASE

    @property
    def port(self) -> int:
        """The port of the API."""
        return int(self.base.rpartition(":")[2])

    def token(self, role: str, tenant: str = "demo") -> str:
        """A bearer token for a role in a tenant."""
        return tokens.issue(self._key, role=role, tenant=tenant, subject=self.tenants[tenant][role])

    @cached_property
    def owner(self) -> Engine:
        """The database as its owner: for looking behind row-level security."""
        if self.owner_url is None:
            raise StackFault("Only the app's role of this database is known.")
        engine = make_engine(self.owner_url)
        self._open.callback(engine.dispose)
        return engine

    def start_consumer(self) -> None:
        """Start the consumer if it does not run; it loads beside us."""
        self.consumer.start()

    def wait_ready(self, within_s: float = READY_S) -> bool:
        """Wait until the consumer drains; False if it still loads after so many seconds.

        Raises StackFault, with what the consumer said, if it has ended.
        """
        ready = self.consumer.wait_ready(within_s)
        if not ready and not self.consumer.running:
            raise StackFault(f"The consumer has ended. {self.consumer.said().strip()[-500:]}".rstrip())
        return ready

    def kill_consumer(self) -> None:
        """SIGKILL the consumer; it stays away until `start_consumer`."""
        self.consumer.kill()

    def _start(self, opening: ExitStack) -> None:
        self._key = signing_key(local_folder())
        door = opening.enter_context(closing(_reserve(self._port)))
        with self._step("Start Postgres and Redis"):
            postgres = opening.enter_context(open_postgres(self._servers.database_url))
            self.redis_url = opening.enter_context(open_redis(self._servers.redis_url))
        with self._step("Migrate the database"):
            self.database_url = postgres.migrate()
            self.owner_url = postgres.owner_url
        variables = environment(database_url=self.database_url, redis_url=self.redis_url, key=self._key)
        variables |= websocket_settings(door)
        self.consumer = ConsumerProcess(variables | lambda_environment(), self._logs(opening) / "consumer.log")
        self.consumer.start()  # it loads while the schools are imported
        opening.callback(self.consumer.stop)
        app, self.container = front_door(variables)
        opening.callback(self.container.close)
        with self._step("Import the schools"):
            self._import_schools(self.container)
        with self._step("Serve the API"):
            self.base = opening.enter_context(serve(app, listener=door))
            warm_up(self.container)
        with self._step("Start a consumer process"):
            self.wait_ready()

    def _import_schools(self, container: Container) -> None:
        for tenant, school in SCHOOLS.items():
            if tenant == "demo" and self._roster is not None:
                self.imports[tenant] = import_roster(container, self._roster, tenant)
                self.tenants[tenant] = find_bearers(container.database, self.imports[tenant].tenant_id)
            else:
                self.imports[tenant] = import_school(container, school, tenant)
                self.tenants[tenant] = dict(BEARERS)

    def _logs(self, opening: ExitStack) -> Path:
        if self._log_folder is not None:
            return self._log_folder
        return Path(opening.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-log-")))


def _reserve(port: int) -> socket.socket:
    """The port of the API, taken before anything is started. Raises StackFault, naming a way out."""
    try:
        return reserve(port)
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        what = "is taken" if error.errno == errno.EADDRINUSE else "is not for ordinary users"
        raise StackFault(f"Port {port} {what}: choose another one with --port (PORT=… with make).") from error
