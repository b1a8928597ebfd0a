"""Lets many threads call one Chalice app at once."""

from __future__ import annotations

import threading
from typing import Any

from chalice.app import Chalice


class PerThread:
    """An attribute that each thread sets and reads for itself; None before it is set."""

    def __init__(self) -> None:
        self._values = threading.local()

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return getattr(self._values, "value", None)

    def __set__(self, instance: object, value: Any) -> None:
        self._values.value = value


def isolate_requests(app: Chalice) -> None:
    """Make the app's `current_request` and `lambda_context` belong to the thread that runs a request.

    Chalice keeps both as plain attributes, since a Lambda environment has one request at a time; with two, one would
    read the other's body and token. The app is made before the gateway, often at the import of a module, so its class
    is exchanged for a subclass with those two attributes; `chalice local` has such a subclass too, but must make the
    app itself.
    """
    kind = type(app)
    if isinstance(vars(kind).get("current_request"), PerThread):
        return
    app.__class__ = type(kind.__name__, (kind,), {"current_request": PerThread(), "lambda_context": PerThread()})
