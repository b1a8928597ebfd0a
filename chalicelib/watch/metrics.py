"""Metrics: figures in a line of log, which CloudWatch reads in its embedded metric format (EMF); no call, no client.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

NAMESPACE = "Rollcall"
_SECONDS = frozenset({"OldestWaitingAge"})

log = logging.getLogger(__name__)


class Meter:
    """Tells figures of one stage, a line for all of an invocation. On a laptop they are words, and not asked for."""

    def __init__(self, stage: str) -> None:
        self._stage = stage

    @property
    def is_on(self) -> bool:
        """Whether anybody reads: figures that cost something to find need not be found otherwise."""
        return log.isEnabledFor(logging.INFO)

    def tell(self, what: str, figures: Mapping[str, float], *, code: str | None = None, **ids: str) -> None:
        """Write a line: `what` happened, its `figures` by name, and ids to find it by.

        With a `code`, the figures are also told by it, so it must be one of few.
        """
        if not self.is_on:
            return
        dimensions = {"Stage": self._stage} if code is None else {"Stage": self._stage, "Code": code}
        units = [{"Name": name, "Unit": "Seconds" if name in _SECONDS else "Count"} for name in figures]
        sets = [["Stage"]] if code is None else [["Stage"], ["Stage", "Code"]]
        emf = {
            "message": what,
            **ids,
            **dimensions,
            **figures,
            "_aws": {
                "Timestamp": int(time.time() * 1000),
                "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": units}],
            },
        }
        words = (f"{name}={value}" for name, value in {**figures, **({"Code": code} if code else {}), **ids}.items())
        log.info("%s: %s", what, " ".join(words), extra={"emf": emf})
