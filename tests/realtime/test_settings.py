"""The two settings of live progress."""

from __future__ import annotations

import pytest

from chalicelib.config import BadSettings, Settings

PROD = {
    "DATABASE_URL": "postgresql://rollcall_app@db/rollcall?sslmode=verify-full",
    "REDIS_URL": "rediss://cache:6379/0",
    "JWT_ISSUER": "https://issuer.example/",
    "JWT_JWKS_URL": "https://issuer.example/keys",
}
BOTH = {"WEBSOCKET_URL": "wss://live.example/prod", "WEBSOCKET_ENDPOINT": "https://live.example/prod"}
PLAIN = {"WEBSOCKET_URL": "ws://127.0.0.1:8000/ws", "WEBSOCKET_ENDPOINT": "http://127.0.0.1:8000"}


def test_both_or_neither() -> None:
    """Where clients connect is of no use without where messages are posted."""
    settings = Settings.from_environment(PROD | BOTH)
    assert (settings.websocket_url, settings.websocket_endpoint) == tuple(BOTH.values())
    assert Settings.from_environment(PROD | dict.fromkeys(BOTH, "")).websocket_url is None
    for name, value in BOTH.items():
        with pytest.raises(BadSettings, match="WEBSOCKET_URL and WEBSOCKET_ENDPOINT go together"):
            Settings.from_environment(PROD | {name: value})


@pytest.mark.parametrize("name", sorted(BOTH))
def test_what_is_not_encrypted_stays_on_a_laptop(name: str) -> None:
    """A ticket stands in the URL."""
    with pytest.raises(BadSettings, match=f"^{name} must begin with (wss|https)://"):
        Settings.from_environment(PROD | BOTH | {name: PLAIN[name]})
    laptop = PROD | PLAIN | {"ROLLCALL_STAGE": "local"}
    assert Settings.from_environment(laptop).websocket_endpoint == PLAIN["WEBSOCKET_ENDPOINT"]
