"""AWS on this machine: moto's server, mended where `chalice deploy` and `terraform apply` fail on it.

with EmulatedAws() as aws:
    aws.client("lambda").list_functions()
    subprocess.run(["terraform", "apply"], env=os.environ | aws.environment)

It runs in a process of its own, since it changes moto, and it ends with the process that started it. Each module beside
this one mends one service, and says what AWS does and moto does not.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

from local.folder import ROOT
from local.servers import ServerError
from local.servers.supervised import Supervised
from local.servers.unprivileged import ServerUser

__all__ = ["ACCOUNT", "REGION", "EmulatedAws"]

ACCOUNT = "123456789012"
REGION = "eu-west-1"
_START_TIMEOUT = 60.0  # seconds


class EmulatedAws:
    """Starts on entry, on a free port of the loopback interface; ends, and forgets all, on exit."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="rollcall-aws-"))
        self._folder.chmod(0o755)  # functions run as another user
        self._process: Supervised | None = None
        self.url = ""

    @property
    def environment(self) -> dict[str, str]:
        """What leads any client of AWS here, be it boto3, Chalice or Terraform, and never to an account."""
        nowhere = str(self._folder / "no-such-file")
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SESSION_TOKEN": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """A client of boto3."""
        import boto3

        return boto3.client(
            service, region_name=REGION, endpoint_url=self.url, aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )  # fmt: skip

    def reset(self) -> None:
        """Forget all that was made."""
        with urllib.request.urlopen(urllib.request.Request(self.url + "/moto-api/reset", method="POST")) as answer:
            json.load(answer)

    @property
    def log(self) -> str:
        """All that the server said."""
        path = self._folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        if self._process is not None:
            self._process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        address = self._folder / "address"
        self._process = Supervised(
            [sys.executable, "-m", "tests.aws.emulator", str(self._folder)],
            stop_signal=signal.SIGTERM,
            log=self._folder / "log",
            user=ServerUser("", {}),
            environment={
                "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
                "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",  # Terraform attaches some of AWS's own
                "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
            },
        )
        deadline = time.monotonic() + _START_TIMEOUT
        while not address.exists():
            if not self._process.running or time.monotonic() > deadline:
                raise ServerError(f"The emulator of AWS did not start:\n{self.log[-2000:]}")
            time.sleep(0.02)
        self.url = address.read_text(encoding="utf-8")
