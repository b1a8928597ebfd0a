"""The tree of errors; each has a problem type (`code`) and an HTTP status, and its docstring is its default message.

RollcallError
├── BadInput                      a request that is refused; nothing of it is queued or written
│   ├── MalformedJson             400 malformed_json
│   ├── TooLarge                  413 too_large
│   ├── UnsupportedMediaType      415 unsupported_media_type
│   ├── Refused                   422, with a fault for each thing that is wrong
│   └── IdempotencyKeyReused      422 idempotency_key_reused
├── Unauthenticated               401 unauthenticated
├── Forbidden                     403 forbidden
├── NotFound                      404 not_found
├── MethodNotAllowed              405 method_not_allowed
├── Conflict                      409 conflict
├── VersionMismatch               412 version_mismatch
├── QueueFull                     429 queue_full
├── RateLimited                   429 rate_limited
└── Unavailable                   503 unavailable
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request.

    `pointer` is a JSON pointer (RFC 6901) into the body; `parameter` names a query parameter or header instead.
    """

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def to_json(self) -> dict[str, str]:
        """The fault as it stands in `errors` of a problem document."""
        where = {"pointer": self.pointer, "parameter": self.parameter}
        return {k: v for k, v in where.items() if v is not None} | {"code": self.code, "detail": self.detail}


class RollcallError(Exception):
    """An unexpected error occurred."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(
        self,
        detail: str | None = None,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        super().__init__(self.detail)

    @property
    def problem_code(self) -> str:
        """The stable code of the problem document."""
        return self.code


class BadInput(RollcallError):
    """The request cannot be accepted."""

    code = "validation_failed"
    status = 422


class MalformedJson(BadInput):
    """The body is not JSON."""

    code = "malformed_json"
    status = 400


class TooLarge(BadInput):
    """The body is larger than a request may be."""

    code = "too_large"
    status = 413


class UnsupportedMediaType(BadInput):
    """The body must be sent as application/json."""

    code = "unsupported_media_type"
    status = 415


class Refused(BadInput):
    """The request breaks one or more rules; `errors` names each of them."""

    def __init__(self, detail: str | None = None, *, faults: Sequence[Fault] = (), code: str | None = None) -> None:
        """`code` is that of the first broken rule; without one the form itself is at fault: `validation_failed`."""
        super().__init__(detail or (faults[0].detail if len(faults) == 1 else None), faults=faults)
        self._code = code

    @property
    def problem_code(self) -> str:
        """The code of the first broken rule, or `validation_failed`."""
        return self._code or self.code


class IdempotencyKeyReused(BadInput):
    """This Idempotency-Key was used before with another body."""

    code = "idempotency_key_reused"


class Unauthenticated(RollcallError):
    """A valid bearer token is needed."""

    code = "unauthenticated"
    status = 401


class Forbidden(RollcallError):
    """The token's roles do not allow this."""

    code = "forbidden"
    status = 403


class NotFound(RollcallError):
    """There is no such thing here."""

    code = "not_found"
    status = 404


class MethodNotAllowed(RollcallError):
    """This method is not offered here."""

    code = "method_not_allowed"
    status = 405


class Conflict(RollcallError):
    """The state of the thing does not allow this."""

    code = "conflict"
    status = 409


class VersionMismatch(RollcallError):
    """Somebody else changed this in the meantime; read it again."""

    code = "version_mismatch"
    status = 412


class QueueFull(RollcallError):
    """Too many jobs are waiting; try again in a moment."""

    code = "queue_full"
    status = 429


class RateLimited(RollcallError):
    """Too many requests in a minute; try again in a moment."""

    code = "rate_limited"
    status = 429


class Unavailable(RollcallError):
    """A server that Rollcall needs is away; nothing of this request was kept. Try again in a moment."""

    code = "unavailable"
    status = 503
