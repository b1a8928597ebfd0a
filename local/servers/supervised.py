"""A child process that dies with us, even when we are killed and can clean up nothing.

A shell starts the program and a watcher that blocks reading a pipe of which we hold the other end. However we
end, the kernel closes our end; the watcher then reads end-of-file and signals the program.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from os import environ
from pathlib import Path

import psutil

from .unprivileged import ServerError, ServerUser

# File descriptor 3 is the pipe; the program must not hold it. The program prints to the log, since standard
# output carries its process id to us. The last wait reaps the watcher.
_SCRIPT = """
signal=$1; shift
exec 3<&0 </dev/null
"$@" >&2 3<&- & program=$!
{ read -r _; kill -s "$signal" $program; } <&3 >/dev/null 2>&1 & watcher=$!
trap '' INT TERM HUP
exec 3<&-
echo $program
exec >/dev/null
wait $program
kill $watcher 2>/dev/null
wait
"""


class Supervised:
    """A running program. `pid` is the program's own process id."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        stop_signal: signal.Signals,
        log: Path,
        user: ServerUser,
        environment: Mapping[str, str] | None = None,
        inherit: bool = True,
    ) -> None:
        """`environment` comes on top of our own, or, unless it is to `inherit`, in its place."""
        with log.open("ab") as out:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "sh", stop_signal.name.removeprefix("SIG"), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                cwd="/",  # the server's user may not be allowed where we stand
                env={**(environ if inherit else {}), **(environment or {})},
                start_new_session=True,  # Ctrl-C reaches us, and the server after us
                **user.drop,
            )
        told = self._shell.stdout.readline() if self._shell.stdout else b""
        if not told:
            self._let_go(1)
            raise ServerError(f"cannot run {command[0]}: {log.read_text(errors='replace')[-500:]}")
        self.pid = int(told)

    @property
    def running(self) -> bool:
        """Whether the program still runs."""
        return self._shell.poll() is None

    def stop(self, timeout: float = 10) -> None:
        """Ask the program to end, and wait for it; kill it after `timeout` seconds."""
        try:
            self._let_go(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the program and all that it started; returns when they are gone."""
        with contextlib.suppress(psutil.NoSuchProcess):
            program = psutil.Process(self.pid)
            family = [program, *program.children(recursive=True)]
            for process in family if self.running else ():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            _wait_until_gone(family)
        self._let_go(5)

    def _let_go(self, timeout: float) -> None:
        for pipe in (self._shell.stdin, self._shell.stdout):
            if pipe is not None:
                pipe.close()
        self._shell.wait(timeout)


def _wait_until_gone(family: Sequence[psutil.Process], timeout: float = 5) -> None:
    """Wait for processes that are not our children; a zombie that nobody reaps counts as gone."""
    deadline = time.monotonic() + timeout
    while any(is_alive(process) for process in family) and time.monotonic() < deadline:
        time.sleep(0.005)


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs: not ended, not a zombie, its id not taken by another."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
