"""What a connection is signed in with, and the loop that tries the next best when it is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password; it may be printed, the password is not."""

    user: str
    password: str = field(repr=False)


class Access(Protocol):
    """Knows how to sign in to one server."""

    def offers(self) -> Iterator[Login]:
        """What to try, best first; the next is asked for only when the server has refused the one before.

        Raises Unavailable if nothing is known and nobody can be asked.
        """
        ...


def sign_in(access: Access, connect: Callable[[Login], T], refused: Callable[[Exception], bool]) -> T:
    """What `connect` returns for the first login that the server does not refuse.

    Raises the error of the last one that was refused, and any error that is no refusal at once.
    """
    last: Exception | None = None
    for login in access.offers():
        try:
            return connect(login)
        except Exception as error:
            if not refused(error):
                raise
            last = error
    if last is None:
        raise RuntimeError("There is nothing to sign in with.")
    raise last
