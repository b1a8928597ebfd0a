"""A deployment goes step by step, and one that stops says in which step and why."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from local.packaging import PackageFault

Say: TypeAlias = Callable[[str], None]


class DeployFault(Exception):
    """A step did not succeed; the message names it, and says what to do where that is not plain."""


@contextmanager
def step(name: str, say: Say, then: str = "") -> Iterator[None]:
    """Do one step. What goes wrong becomes a DeployFault that names it; `then` says what to do about it."""
    say(f"{name} ...")
    try:
        yield
    except (DeployFault, PackageFault, BotoCoreError, ClientError, OSError, subprocess.SubprocessError) as error:
        raise DeployFault(f"{name}: {error}" + (f"\n{then}" if then else "")) from error
