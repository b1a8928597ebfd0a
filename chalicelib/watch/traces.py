"""Traces of X-Ray: the trace of a request goes with its job, and what a drain does of the job is told in that trace.

No SDK: a segment is a JSON document that goes in one datagram to the daemon beside the function, as AWS documents it.
https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass

_FORMS = {"Root": r"1-[0-9a-f]{8}-[0-9a-f]{24}", "Parent": r"[0-9a-f]{16}", "Sampled": r"[01]"}


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace, the part of it that is at work, and whether X-Ray keeps it."""

    root: str
    parent: str | None = None
    sampled: bool = False

    @classmethod
    def read(cls, text: str) -> Trace | None:
        """From an `X-Amzn-Trace-Id`. None if it has no root of the right form: a client may send what it likes."""
        pairs = (pair.partition("=") for pair in text[:300].split(";"))
        found = {name: value for name, _, value in pairs if name in _FORMS and re.fullmatch(_FORMS[name], value)}
        if "Root" not in found:
            return None
        return cls(found["Root"], found.get("Parent"), found.get("Sampled") == "1")

    def __str__(self) -> str:
        """As it was read."""
        parent = f";Parent={self.parent}" if self.parent else ""
        return f"Root={self.root}{parent};Sampled={int(self.sampled)}"


def current_trace(header: str | None = None) -> Trace | None:
    """That of this invocation, which the runtime writes into the environment anew each time, else of the header."""
    return Trace.read(os.environ.get("_X_AMZN_TRACE_ID", "")) or Trace.read(header or "")


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took time, in seconds since 1970, and what it was made of."""

    name: str
    start: float
    end: float
    parts: tuple[Span, ...] = ()

    def document(self) -> dict[str, object]:
        """As X-Ray takes it."""
        inner = {"subsegments": [part.document() for part in self.parts]} if self.parts else {}
        return {"name": self.name, "id": secrets.token_hex(8), "start_time": self.start, "end_time": self.end, **inner}


class XRay:
    """Hands segments to the daemon at `address`; without one, to nobody. Nothing that goes wrong here is told."""

    def __init__(self, address: tuple[str, int] | None) -> None:
        self._address = address

    def tell(self, trace: Trace, span: Span, annotations: Mapping[str, str], *, fault: bool = False) -> None:
        """Add `span` to a trace that is kept; `annotations` are what it can be found by."""
        if self._address is None or not trace.sampled:
            return
        segment = span.document() | {"trace_id": trace.root, "annotations": dict(annotations), "fault": fault}
        if trace.parent:
            segment["parent_id"] = trace.parent
        datagram = b'{"format": "json", "version": 1}\n' + json.dumps(segment).encode()
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
            door.setblocking(False)
            door.sendto(datagram, self._address)
