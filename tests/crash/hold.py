"""Holds a drain up in the middle of its transaction, so that a server can be taken away from under it."""

from __future__ import annotations

from typing import Self

from sqlalchemy import Connection, Engine, text

from tests.crash.process import until

_WAITING = text("select exists (select from pg_locks where not granted and relation = 'student_attendance'::regclass)")


class Hold:
    """A lock on the marks, as the owner of the database, from entry to `let_go` or exit."""

    def __init__(self, owner: Engine) -> None:
        self._connection: Connection = owner.connect()

    def __enter__(self) -> Self:
        self._connection.execute(text("lock table student_attendance in exclusive mode"))
        return self

    def __exit__(self, *raised: object) -> None:
        self.let_go()

    def is_felt(self) -> None:
        """Wait until a drain stands before the lock."""
        until(lambda: bool(self._connection.scalar(_WAITING)))

    def let_go(self) -> None:
        """The drain goes on; harmless if Postgres has gone away meanwhile, and if it is called twice."""
        if not self._connection.closed:
            self._connection.invalidate()
            self._connection.close()
