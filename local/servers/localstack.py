"""LocalStack without Docker: an emulator of AWS, in an environment of its own, as it wants another Python."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from urllib.error import URLError
from urllib.request import urlopen

from .server import EmbeddedServer
from .unprivileged import ServerError

PYTHON = "3.13"
"""The one it runs on: with 3.11 its services fail."""

_PINS = Path(__file__).with_suffix(".txt")


class LocalStack(EmbeddedServer):
    """Secrets Manager, S3, SQS, SNS, SES, EventBridge and more at `url`; no Lambda, since that wants Docker."""

    name: ClassVar[str] = "LocalStack"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    start_timeout: ClassVar[float] = 180.0  # three seconds alone, a minute on two busy cores

    def __init__(self, home: Path, folder: Path | None = None, port: int | None = None) -> None:
        """`home` keeps its environment: half a gigabyte, installed once. Raises ServerError without Python 3.13."""
        self._python = install_localstack(home)
        super().__init__(folder, port)
        self.user = replace(self.user, drop={})  # it may run as root, and its environment may lie in root's home

    @property
    def url(self) -> str:
        """For AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it at once: nothing of it is kept, and in good order it takes many seconds."""
        self.kill()

    def _prepare(self) -> None:
        for name in ("files", "cache"):
            (self.folder / name).mkdir(exist_ok=True)

    def _command(self) -> Sequence[str | Path]:
        return [self._python, "-m", "localstack.runtime.main"]

    def _environment(self) -> Mapping[str, str]:
        here = f"127.0.0.1:{self.port}"
        return {
            # Its usual server takes 0.0.0.0 whatever it is told, unless it believes to be outside a container.
            "GATEWAY_SERVER": "hypercorn", "OVERRIDE_IN_DOCKER": "0", "GATEWAY_LISTEN": here, "LOCALSTACK_HOST": here,
            "DNS_ADDRESS": "0", "DISABLE_EVENTS": "1", "SKIP_SSL_CERT_DOWNLOAD": "1", "EAGER_SERVICE_LOADING": "0",
            "FILESYSTEM_ROOT": str(self.folder / "files"), "XDG_CACHE_HOME": str(self.folder / "cache"),
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-central-1",
            "PYTHONWARNINGS": "ignore", "PYTHONPATH": "",
        }  # fmt: skip

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/_localstack/health", timeout=2) as answer:  # noqa: S310 - ours, on loopback
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


def install_localstack(home: Path) -> Path:
    """The Python of LocalStack's environment below `home`, made if it is not there. Raises ServerError."""
    folder = home / f"localstack-{hashlib.sha256(_PINS.read_bytes()).hexdigest()[:12]}"
    python, done = folder / "bin" / "python", folder / "installed"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "localstack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            for old in home.glob("localstack-*"):
                shutil.rmtree(old)
            _run(_interpreter(), "-m", "venv", folder)
            quietly = ("--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps")
            _run(python, "-m", "pip", "install", *quietly, "-r", _PINS)
            done.touch()
    return python


def _interpreter() -> str:
    """A Python that it runs on. A name on the path may be a shim that pyenv put there, so each is asked."""
    asked = f"import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '{PYTHON}')"
    for program in _interpreters():
        if subprocess.run([program, "-c", asked], capture_output=True, check=False).returncode == 0:
            return program
    raise ServerError(f"LocalStack wants Python {PYTHON}, which was not found")


def _interpreters() -> Iterator[str]:
    yield sys.executable
    for name in (f"python{PYTHON}", "python3"):
        if found := shutil.which(name):
            yield found
            yield from map(str, sorted(Path(found).parents[1].glob(f"versions/{PYTHON}.*/bin/python{PYTHON}")))


def _run(*command: str | Path) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise ServerError(f"{command[0]} {command[2]} failed:\n{ran.stderr[-2000:]}")
