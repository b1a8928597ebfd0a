"""How far a function is kept apart from this machine, and the command that runs it so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NOBODY = 65534

_ENTER = """set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /var
mkdir /var/task /var/runtime /var/lang
for pair in "$1:/var/task" "$2:/var/runtime" "$3:/var/lang"; do
    mount --bind "${pair%:*}" "${pair##*:}"
    mount -o remount,ro,bind "${pair##*:}"
done
mount -t tmpfs -o size=512m,mode=1777 tmpfs /tmp
cd /var/task
exec setpriv --reuid=$4 --regid=$4 --clear-groups --no-new-privs --bounding-set=-all \\
    "/var/lang/bin/$5" -S -m awslambdaric "$6"
"""
# The mounts are seen by this process and its children only. -S: the interpreter's own site-packages are not AWS's.


@dataclass(frozen=True, slots=True)
class Isolation:
    """`apart` is as on AWS: another user, a /var/task that nobody can write, a /tmp of its own. `told` is in words."""

    apart: bool
    told: str

    def paths(self, task: Path, runtime: Path) -> tuple[str, str, str]:
        """Where the function sees its task, the runtime, and the interpreter's shared libraries."""
        if self.apart:
            return "/var/task", "/var/runtime", "/var/lang/lib"
        return str(task), str(runtime), str(Path(sys.base_prefix, "lib"))

    def command(self, task: Path, runtime: Path, handler: str) -> Sequence[str]:
        """The program that asks for invocations and calls `handler`."""
        python = f"python{sys.version_info.major}.{sys.version_info.minor}"
        if self.apart:
            folders = [str(task), str(runtime), sys.base_prefix]
            return [_tool("unshare"), "--mount", "/bin/sh", "-c", _ENTER, "sh", *folders, str(NOBODY), python, handler]
        interpreter = str(Path(sys.base_prefix, "bin", python))
        enter = 'cd "$1" && exec "$2" -S -m awslambdaric "$3"'
        return ["/bin/sh", "-c", enter, "sh", str(task), interpreter, handler]


@cache
def isolation() -> Isolation:
    """What is possible here."""
    user = "another user than ours, /var/task that nobody can write, a /tmp of its own"
    if os.geteuid() != 0:
        return Isolation(apart=False, told=f"run as oneself, without {user}: that needs root")
    try:
        tried = subprocess.run([_tool("unshare"), "--mount", _tool("mount"), "--make-rprivate", "/"], check=False)
        _tool("setpriv")
    except FileNotFoundError as error:
        return Isolation(apart=False, told=f"run as oneself, without {user}: there is no {error}")
    if tried.returncode:
        return Isolation(apart=False, told=f"run as oneself, without {user}: this root may not mount")
    return Isolation(apart=True, told=f"run with {user}")


def environment(function: Mapping[str, str], paths: tuple[str, str, str]) -> dict[str, str]:
    """All that the process finds in its environment, with what is said of the `function`."""
    task, runtime, libraries = paths
    return {
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LD_LIBRARY_PATH": libraries,
        "PYTHONPATH": runtime,
        "LAMBDA_TASK_ROOT": task,
        "LAMBDA_RUNTIME_DIR": runtime,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        **function,
    }


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(name)
    return found
