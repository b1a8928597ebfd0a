"""Finds the resource that a request's path belongs to, as API Gateway does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Match:
    """A resource, such as `/jobs/{job_id}`, and what stood in place of its variables, URL-decoded."""

    resource: str
    path_parameters: dict[str, str]


class RouteTable:
    """The resources of an app; made once.

    Chalice's own RouteMatcher is not used here: it keeps the variables of routes that it tried before the one it
    returns, cuts a path at `;`, and takes the first segment of `//a/b` for a host.
    """

    def __init__(self, resources: Iterable[str]) -> None:
        self._patterns = [(resource, _pattern(resource)) for resource in sorted(resources, key=_fixed_first)]

    def match(self, path: str) -> Match | None:
        """The resource of a path as it stands in the request line, still URL-encoded and without its query.

        One slash at the end makes no difference; a variable stands for one segment that is not empty.
        """
        bare = path[:-1] if path.endswith("/") and path != "/" else path
        for resource, pattern in self._patterns:
            if found := pattern.fullmatch(bare):
                return Match(resource, {name: unquote(value) for name, value in found.groupdict().items()})
        return None


def _fixed_first(resource: str) -> list[tuple[bool, str]]:
    """A segment that is spelt out goes before a variable: `/jobs/mine` before `/jobs/{job_id}`."""
    return [(segment.startswith("{"), segment) for segment in resource.split("/")]


def _pattern(resource: str) -> re.Pattern[str]:
    segments = (
        f"(?P<{segment[1:-1]}>[^/]+)" if segment.startswith("{") else re.escape(segment)
        for segment in resource.split("/")
    )
    return re.compile("/".join(segments))
