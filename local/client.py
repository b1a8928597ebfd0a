"""A client of the API, for the demo and for what the stack sets up over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import httpx

from chalicelib.api.doors import BASE
from local.faults import StackFault

_TIMEOUT_S = 30.0


class Client:
    """Speaks for the bearer of one token. An answer that is not a success raises StackFault with what it says."""

    def __init__(self, base: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=base, headers=headers, timeout=_TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._http.close()

    def get(self, path: str, **query: str | int) -> Any:
        """The answer to GET, parsed. `path` follows the base of the contract, or begins with it."""
        return self._send("GET", path, params=query).json()

    def post(self, path: str, body: Any) -> httpx.Response:
        """The answer to POST."""
        return self._send("POST", path, json=body)

    def put(self, path: str, body: Any, *, version: int) -> Any:
        """The answer to PUT of what was read at `version`, parsed."""
        return self._send("PUT", path, json=body, headers={"If-Match": str(version)}).json()

    def items(self, path: str, **query: str | int) -> Iterator[Any]:
        """The items of a list, page after page."""
        page = self.get(path, **query)
        yield from page["items"]
        while page["next_cursor"]:
            page = self.get(path, **query, cursor=page["next_cursor"])
            yield from page["items"]

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        path = path if path.startswith(BASE) else BASE + path
        try:
            answer = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise StackFault(f"{method} {path}: {error}.") from error
        if not answer.is_success:
            raise StackFault(f"{method} {path} was answered {answer.status_code}: {_detail(answer)}")
        return answer


def _detail(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        return f"{problem['code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
