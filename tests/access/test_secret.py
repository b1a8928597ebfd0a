"""A secret is read once, and again when it is old or refused; then its other stages are tried, too."""

from __future__ import annotations

import pytest

from chalicelib.access.login import Login, sign_in
from chalicelib.access.secret import FRESH_S, KEPT_S, SecretAccess
from chalicelib.errors import Unavailable

OLD, NEW, NEWER = (Login("app", password) for password in ("old", "new", "newer"))


class Store:
    """A secret, a clock, and a server that lets some logins in."""

    def __init__(self) -> None:
        self.stages: dict[str, Login] = {"AWSCURRENT": OLD}
        self.valid = {OLD}
        self.asked: list[str] = []
        self.away = False
        self.clock = 1000.0
        self.access = SecretAccess(self.read, lambda: self.clock)

    def read(self, stage: str) -> Login | None:
        self.asked.append(stage)
        if self.away:
            raise Unavailable
        return self.stages.get(stage)

    def connect(self) -> str:
        """The password by which a connection came about. Raises PermissionError."""

        def connect(login: Login) -> str:
            if login not in self.valid:
                raise PermissionError(login.password)
            return login.password

        return sign_in(self.access, connect, lambda error: isinstance(error, PermissionError))


@pytest.fixture
def store() -> Store:
    """One password, known to both sides."""
    return Store()


def test_it_is_read_once(store: Store) -> None:
    """However many connections are opened."""
    assert [store.connect() for _ in range(3)] == ["old"] * 3
    assert store.asked == ["AWSCURRENT"]


def test_it_is_read_again_when_it_has_grown_old(store: Store) -> None:
    """A password that is still good and no longer the secret's goes out of use."""
    store.connect()
    store.stages["AWSCURRENT"] = NEW
    store.valid = {OLD, NEW}
    store.clock += KEPT_S - 1
    assert store.connect() == "old"
    store.clock += 1
    assert store.connect() == "new"


def test_it_is_read_again_when_it_was_refused(store: Store) -> None:
    """At once, not when it has grown old."""
    store.connect()
    store.clock += FRESH_S
    store.stages["AWSCURRENT"], store.valid = NEW, {NEW}
    assert store.connect() == "new"
    assert store.asked == ["AWSCURRENT"] * 2


def test_a_server_may_be_ahead_of_its_secret(store: Store) -> None:
    """The server has the new password, the secret names it pending still."""
    store.connect()
    store.stages["AWSPENDING"], store.valid = NEW, {NEW}
    assert store.connect() == "new"


def test_a_server_may_be_behind_its_secret(store: Store) -> None:
    """The secret has the new password, the server will be told in a minute."""
    store.stages |= {"AWSCURRENT": NEW, "AWSPREVIOUS": OLD}
    assert store.connect() == "old"
    store.valid = {NEW}
    assert store.connect() == "new"


def test_what_nobody_accepts_is_refused_as_the_server_said(store: Store) -> None:
    """With the last refusal, after each stage was tried once."""
    store.stages |= {"AWSPENDING": NEW, "AWSPREVIOUS": NEWER}
    store.valid = set()
    with pytest.raises(PermissionError, match="newer"):
        store.connect()


def test_a_wrong_secret_is_no_flood_of_questions(store: Store) -> None:
    """A hundred connections that are refused within a second."""
    store.stages |= {"AWSPENDING": NEW, "AWSPREVIOUS": NEWER}
    store.valid = set()
    for _ in range(100):
        with pytest.raises(PermissionError):
            store.connect()
    assert store.asked == ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"]


def test_an_error_that_is_no_refusal_is_not_tried_again(store: Store) -> None:
    """A server that is away is not asked with another password."""

    def connect(_: Login) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        sign_in(store.access, connect, lambda error: isinstance(error, PermissionError))
    assert store.asked == ["AWSCURRENT"]


def test_what_is_known_serves_while_nobody_answers(store: Store) -> None:
    """Connections are opened though Secrets Manager is away."""
    store.connect()
    store.clock += KEPT_S
    store.away = True
    assert store.connect() == "old"


def test_nothing_known_and_nobody_to_ask_is_an_outage(store: Store) -> None:
    """Which the client is told as such."""
    store.away = True
    with pytest.raises(Unavailable):
        store.connect()


def test_a_login_may_be_printed() -> None:
    """Without its password."""
    assert repr(OLD) == "Login(user='app')"
