"""Two stages made and unmade by Terraform, side by side in one emulated account: a process beside the other tests.

dev is everything in one root, with the real package; prod is the ground alone, on which Chalice would deploy. What AWS
then tells is written to a file, which tests/aws/test_everything.py reads. Terraform waits for RDS by the clock, two
minutes and a half in all, in which next to nothing is done here.

    python -m tests.aws.whole_stage package-folder result-file
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from chalicelib.api.doors import BASE
from chalicelib.db.engine import make_engine
from local.folder import write_whole
from local.packaging import Package, lay_out
from local.servers import EmbeddedPostgres, EmbeddedRedis
from tests.aws.emulator import EmulatedAws
from tests.aws.ground import MODULE
from tests.aws.inventory import look

_CHECK = runpy.run_path(str(MODULE / "check"))
_EMULATED: dict[str, Any] = {
    "terraform": {"backend": {"local": {}}},
    "provider": {"aws": {"max_retries": 2, "s3_use_path_style": True}},
}
"""Where Terraform keeps its state, and how it speaks to an emulator: the only differences of the ground."""

_GO_THERE = {
    "environment": "${{ for key, own in local.chalice_environment : key => "
    "merge(own, local.here, lookup(local.own, key, {})) }}"
}
"""What the functions are told in place of infra/everything/environment.tf."""


class Skipped(Exception):
    """Terraform or its provider is not to be had."""


@dataclass(frozen=True)
class Root:
    """A folder with a state of its own."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> str:
        """Run terraform; what it printed. Raises RuntimeError with all it said."""
        ran = subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if ran.returncode and any(words in ran.stderr for words in _CHECK["NO_PROVIDER"]):
            raise Skipped("the AWS provider is not to be had: no mirror was found, and it could not be downloaded")
        if ran.returncode:
            raise RuntimeError(f"terraform {arguments[0]} of {self.folder.name}:\n{ran.stdout[-3000:]}{ran.stderr}")
        return ran.stdout

    def begin(self, variables: dict[str, Any], override: dict[str, Any]) -> None:
        """Make it ready for an apply, with what differs on an emulator."""
        for name, content in (("emulator_override.tf.json", override), ("terraform.tfvars.json", variables)):
            (self.folder / name).write_text(json.dumps(content), encoding="utf-8")
        self.run("init", "-input=false", "-no-color")

    def apply(self) -> None:
        """All of it."""
        self.run("apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=30")

    def destroy(self) -> None:
        """All of it; nobody else has changed anything meanwhile."""
        self.run("destroy", "-auto-approve", "-input=false", "-no-color", "-parallelism=30", "-refresh=false")

    def outputs(self) -> dict[str, Any]:
        """Their values."""
        return {name: one["value"] for name, one in json.loads(self.run("output", "-json")).items()}


def make_and_unmake(package: Package, folder: Path) -> dict[str, Any]:
    """What was there between apply and destroy, what the API answered, and what is left."""
    with EmulatedAws() as aws, EmbeddedPostgres() as postgres, EmbeddedRedis() as redis:
        environment = {**_CHECK["terraform_environment"](folder), **aws.environment}
        everything, ground = (Root(folder / name, environment) for name in ("everything", "ground"))
        lay_out(package, everything.folder)
        shutil.copytree(MODULE, ground.folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "tests"))
        write_whole(everything.folder / "here.tf.json", json.dumps({"locals": _servers(postgres, redis)}))
        everything.begin({"stage": "dev", "api_gateway_account": True}, {**_EMULATED, "locals": _GO_THERE})
        # Its protection is what hinders a destroy; the how-to turns it off in the same way.
        ground.begin({"stage": "prod", "deletion_protection": False, "vpc_cidr": "10.30.0.0/16"}, _EMULATED)
        _together(everything.apply, ground.apply)
        told = {
            "made": look(aws), "dev": everything.outputs(), "prod": ground.outputs(), "answers": _ask(aws),
            "state": everything.folder.joinpath("terraform.tfstate").read_text(encoding="utf-8"),
        }  # fmt: skip
        ground.run("state", "rm", "aws_kms_key.main", "aws_kms_alias.main")  # as docs/how-to/deploy.md says
        _together(everything.destroy, ground.destroy)
        return {**told, "left": look(aws)}


def _servers(postgres: EmbeddedPostgres, redis: EmbeddedRedis) -> dict[str, Any]:
    """The functions get to servers of this machine: the emulator's have an address and no server."""
    engine = make_engine(postgres.url("postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("create database rollcall"))
    engine.dispose()
    here = {
        "ROLLCALL_STAGE": "local",
        "DATABASE_URL": postgres.tcp_url("rollcall", "rollcall_app", "made by a deployment"),
        "REDIS_URL": redis.tcp_url(),
        "JWT_ISSUER": "https://issuer.example/",
        "JWT_LOCAL_KEY": "a key of a laptop, which is long enough",
        "DRAIN_FUNCTION": "",
    }
    owner = {"MIGRATION_DATABASE_URL": postgres.tcp_url("rollcall")}
    return {"here": here, "own": {"migrate": owner}}


def _ask(aws: EmulatedAws) -> dict[str, int]:
    """The status of some answers of the API."""
    [api] = aws.client("apigateway").get_rest_apis()["items"]
    url = f"{aws.url}/restapis/{api['id']}/dev/_user_request_{BASE}"
    with httpx.Client(timeout=60.0) as client:
        return {path: client.get(url + path).status_code for path in ("/health", "/sections")}


def _together(*calls: Callable[[], None]) -> None:
    with ThreadPoolExecutor(len(calls)) as threads:
        for done in [threads.submit(call) for call in calls]:
            done.result()


def main(package: Path, result: Path) -> None:
    """Whatever happens is told in the file."""
    with tempfile.TemporaryDirectory(prefix="rollcall-stages-") as folder:
        try:
            told = (
                make_and_unmake(Package(package), Path(folder))
                if shutil.which("terraform")
                else {"skipped": "terraform is not installed"}
            )
        except Skipped as why:
            told = {"skipped": str(why)}
        except Exception:  # noqa: BLE001 - it is told
            told = {"failed": traceback.format_exc()}
    write_whole(result, json.dumps(told, default=str))


if __name__ == "__main__":
    os.nice(5)  # the other tests come first
    main(Path(sys.argv[1]), Path(sys.argv[2]))
