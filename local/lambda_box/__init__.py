"""Lambda on this machine: functions out of a packaged zip, each run by AWS's own runtime client in its own process.

with LambdaBox(unpack(package.zip, folder), package.functions, environment) as box:
    box.invoke("drain", {})          # what the function returned
    box["drain"].init_ms             # how long its cold start took
"""

from __future__ import annotations

from .box import LambdaBox
from .cell import Cell, FunctionFailed, TooLargeEvent
from .isolation import Isolation, isolation
from .task import unpack

__all__ = ["Cell", "FunctionFailed", "Isolation", "LambdaBox", "TooLargeEvent", "isolation", "unpack"]
