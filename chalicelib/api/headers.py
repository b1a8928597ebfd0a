"""Headers of every answer: nothing of it is cached, framed, sniffed or run; and which web pages may read it (CORS)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer. Browsers heed Strict-Transport-Security over TLS only, so it does no harm on a laptop."""

_ANY_PORT = ":*"
"""Ends an origin that stands for its host at any port."""

_EXPOSED = "ETag, Location, Retry-After, WWW-Authenticate, x-amzn-RequestId"
_MAX_AGE_S = 7_200  # as long as any browser keeps the answer to a preflight


def shared(origins: Collection[str], sent: Mapping[str, str]) -> dict[str, str]:
    """What lets the page that sent these headers read the answer, if it comes from one of `origins`.

    Credentials are never allowed: the token is sent in a header by the page itself, not by the browser.
    """
    if not origins:
        return {}
    origin = sent.get("origin", "")
    if not _is_one(origin, origins):
        return {"Vary": "Origin"}
    return {"Vary": "Origin", "Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED}


def preflight(
    origins: Collection[str], sent: Mapping[str, str], methods: str, headers: Iterable[str]
) -> dict[str, str]:
    """What a page of one of `origins` may send, for the browser that asks on its behalf."""
    if not _is_one(sent.get("origin", ""), origins):
        return {}
    return {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ", ".join(sorted({"Authorization", "Content-Type", *headers})),
        "Access-Control-Max-Age": str(_MAX_AGE_S),
    }


def _is_one(origin: str, origins: Collection[str]) -> bool:
    host, _, port = origin.rpartition(":")
    if host + _ANY_PORT in origins:
        return port.isascii() and port.isdecimal()
    return origin in origins
