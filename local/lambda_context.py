"""The context object that Lambda hands to a handler, for a function that runs here."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

API_GATEWAY_LIMIT = 29.0  # seconds that API Gateway waits for a function


@dataclass(slots=True)
class LocalLambdaContext:
    """One invocation. `timeout` is in seconds, counted from the creation of the context."""

    function_name: str = "rollcall-local"
    timeout: float = API_GATEWAY_LIMIT
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 512
    clock: Callable[[], float] = time.monotonic
    _deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self._deadline = self.clock() + self.timeout

    @property
    def invoked_function_arn(self) -> str:
        """An ARN of the shape that AWS gives, in an account that does not exist."""
        return f"arn:aws:lambda:us-east-1:000000000000:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """Where AWS would keep the function's log."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function would be stopped; never less than 0."""
        return max(0, int((self._deadline - self.clock()) * 1000))
