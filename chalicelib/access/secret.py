"""A login that is kept in a secret: read once, read again when it has grown old or was refused."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

from chalicelib.access.login import Login
from chalicelib.errors import Unavailable

log = logging.getLogger(__name__)

KEPT_S = 300.0
"""So long a password is not asked for again, unless it is refused."""

FRESH_S = 1.0
"""Nor is one that was refused, for so long: a wrong secret must not become a flood of questions."""

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"

ReadSecret = Callable[[str], "Login | None"]
"""The login in a stage of the secret, or None if there is no such stage. Raises Unavailable."""


class SecretAccess:
    """Offers what the secret says. A rotation goes unnoticed, at whatever moment a connection is opened.

    First comes what is known. Once it is refused, the secret is read anew: the current password may be another by now;
    the pending one is that of a server which was changed a moment before its secret; the previous one that of a server
    to which the change has not come yet.
    """

    def __init__(self, read: ReadSecret, now: Callable[[], float] = time.monotonic) -> None:
        """`now` counts seconds."""
        self._read, self._now = read, now
        self._known: dict[str, tuple[float, Login]] = {}
        self._lock = threading.Lock()

    def offers(self) -> Iterator[Login]:
        """What to try, best first, each once."""
        tried = [self._current()]
        yield tried[0]
        for stage in (CURRENT, PENDING, PREVIOUS):
            login = self._ask(stage, FRESH_S)
            if login is not None and login not in tried:
                log.info("a login was refused; the %s one of the secret is tried", stage)
                tried.append(login)
                yield login

    def _current(self) -> Login:
        try:
            login = self._ask(CURRENT, KEPT_S)
        except Unavailable:
            if CURRENT not in self._known:
                raise
            log.warning("a secret could not be read again; what is known of it is used", exc_info=True)
            login = self._known[CURRENT][1]
        if login is None:
            raise Unavailable("The secret has no value yet.")
        return login

    def _ask(self, stage: str, at_most_s: float) -> Login | None:
        with self._lock:
            if stage in self._known and self._now() - self._known[stage][0] < at_most_s:
                return self._known[stage][1]
            login = self._read(stage)
            if login is not None:
                self._known[stage] = (self._now(), login)
            return login
