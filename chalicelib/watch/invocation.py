"""Around each invocation that is no request: its id on every line, and no error leaves with words of others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from chalicelib.errors import RollcallError
from chalicelib.watch.ids import work
from chalicelib.watch.logs import is_ours

log = logging.getLogger(__name__)


def watched(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """A middleware of Chalice for events.

    Raises what the function raises if it is ours. Anything else is logged and raised as RollcallError: AWS's runtime
    client writes the message of an error into the log, and Postgres quotes the row that it refuses.
    """
    context = event.context
    with work(request=context.aws_request_id, function=context.function_name):
        try:
            return get_response(event)
        except Exception as error:
            log.exception("%s failed", context.function_name)
            if is_ours(error):
                raise
            raise RollcallError(f"An unexpected {type(error).__qualname__} occurred; the log says where.") from None
