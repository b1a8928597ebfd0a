"""Runs infra/terraform/check, which needs neither AWS nor an emulator, and skips where Terraform is not to be had."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[2] / "infra" / "terraform"


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What the script said; the test is skipped with its reason if it could not check anything."""
    done = subprocess.run(
        [sys.executable, MODULE / "check", *arguments], capture_output=True, text=True, check=False, timeout=900
    )
    if done.returncode == 0 and done.stdout.startswith("skipped:"):
        pytest.skip(done.stdout.removeprefix("skipped:").strip())
    return done
