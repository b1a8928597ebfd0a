"""Settings are read once, and an environment that cannot work is refused by the name of the variable."""

from __future__ import annotations

import pytest

from chalicelib.config import BadSettings, Settings, TokenSettings

PROD = {
    "DATABASE_URL": "postgresql://rollcall_app:secret@db/rollcall?sslmode=verify-full",
    "REDIS_URL": "rediss://app:secret@cache:6379/0",
    "JWT_ISSUER": "https://issuer.example/",
    "JWT_JWKS_URL": "https://issuer.example/keys",
}
LAPTOP = {
    "ROLLCALL_STAGE": "local",
    "DATABASE_URL": "postgresql://rollcall_app@/rollcall?host=/run",
    "REDIS_URL": "redis://localhost:6379/0",
    "JWT_ISSUER": "local",
    "JWT_LOCAL_KEY": "k" * 32,
}


def test_what_is_not_said_has_its_default() -> None:
    """Four variables make a deployment, of the strictest stage."""
    assert Settings.from_environment(PROD) == Settings(
        stage="prod",
        database_url=PROD["DATABASE_URL"],
        redis_url=PROD["REDIS_URL"],
        tokens=TokenSettings(PROD["JWT_ISSUER"], "rollcall", PROD["JWT_JWKS_URL"], None),
        queue_name="rollcall",
        queue_shards=1,
        queue_shards_also=None,
        redis_min_replicas=0,
        drain_function=None,
        database_pool=2,
    )


def test_everything_can_be_said() -> None:
    """Each variable ends in its own field."""
    settings = Settings.from_environment(
        PROD
        | {
            "ROLLCALL_STAGE": "staging",
            "JWT_AUDIENCE": "school",
            "QUEUE_NAME": "marks",
            "QUEUE_SHARDS": "8",
            "QUEUE_SHARDS_ALSO": "4",
            "REDIS_MIN_REPLICAS": "2",
            "DRAIN_FUNCTION": "rollcall-drain",
            "DATABASE_POOL": "8",
            "MIGRATION_DATABASE_URL": "postgresql://rollcall_owner:hush@db/rollcall",
        }
    )
    assert (settings.stage, settings.tokens.audience, settings.queue_name) == ("staging", "school", "marks")
    assert (settings.queue_shards, settings.queue_shards_also) == (8, 4)
    assert (settings.redis_min_replicas, settings.drain_function, settings.database_pool) == (2, "rollcall-drain", 8)
    assert settings.owner_url() == "postgresql://rollcall_owner:hush@db/rollcall"


def test_only_who_migrates_knows_the_owner() -> None:
    """Any other function that asked would be told which variable it lacks."""
    with pytest.raises(BadSettings, match=r"^MIGRATION_DATABASE_URL is not set.$"):
        Settings.from_environment(PROD).owner_url()


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda says everything by environment."""
    for name, value in PROD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ROLLCALL_STAGE", "dev")
    monkeypatch.delenv("JWT_LOCAL_KEY", raising=False)
    assert Settings.from_environment().stage == "dev"


@pytest.mark.parametrize("emptied", [True, False])
@pytest.mark.parametrize("name", sorted(PROD))
def test_what_is_missing_or_empty_is_named(name: str, emptied: bool) -> None:
    """An empty variable is as good as none."""
    environment = PROD | {name: ""} if emptied else {key: value for key, value in PROD.items() if key != name}
    with pytest.raises(BadSettings, match=f"^{name} is not set.$"):
        Settings.from_environment(environment)


def test_a_laptop_may_use_a_shared_key() -> None:
    """No identity provider is needed there."""
    assert Settings.from_environment(LAPTOP).tokens == TokenSettings("local", "rollcall", None, "k" * 32)


@pytest.mark.parametrize("stage", ["dev", "staging", "prod", "Local", "local ", ""])
def test_a_shared_key_is_refused_anywhere_else(stage: str) -> None:
    """Whoever knew it could be anybody; a JWKS beside it does not heal that."""
    for environment in (LAPTOP, LAPTOP | PROD):
        with pytest.raises(BadSettings, match=r"^JWT_LOCAL_KEY is for a laptop"):
            Settings.from_environment(environment | {"ROLLCALL_STAGE": stage})


def test_a_shared_key_is_refused_where_no_stage_is_named() -> None:
    """A forgotten stage is the strictest one."""
    unnamed = {name: value for name, value in LAPTOP.items() if name != "ROLLCALL_STAGE"}
    with pytest.raises(BadSettings, match=r"^JWT_LOCAL_KEY is for a laptop"):
        Settings.from_environment(unnamed)


def test_a_short_key_is_refused() -> None:
    """HS256 wants 256 bits."""
    with pytest.raises(BadSettings, match=r"^JWT_LOCAL_KEY must have at least 32 characters"):
        Settings.from_environment(LAPTOP | {"JWT_LOCAL_KEY": "k" * 31})


@pytest.mark.parametrize("value", ["-1", "1.5", "two", " 1", "0x1"])
@pytest.mark.parametrize("name", ["REDIS_MIN_REPLICAS", "DATABASE_POOL", "QUEUE_SHARDS", "QUEUE_SHARDS_ALSO"])
def test_a_number_must_be_a_whole_number(name: str, value: str) -> None:
    """The variable and what it says are told."""
    with pytest.raises(BadSettings, match=f"^{name} must be a whole number from . on, not '{value}'"):
        Settings.from_environment(PROD | {name: value})


def test_a_refusal_tells_no_secret() -> None:
    """URLs carry credentials; what is logged of a bad environment must not."""
    with pytest.raises(BadSettings) as refused:
        Settings.from_environment(PROD | {"REDIS_MIN_REPLICAS": "x"})
    assert "secret" not in str(refused.value)


def test_a_process_without_a_connection_is_refused() -> None:
    """The driver's pool would take 0 as unlimited."""
    with pytest.raises(BadSettings, match="DATABASE_POOL must be a whole number from 1 on, not '0'"):
        Settings.from_environment(PROD | {"DATABASE_POOL": "0"})


def test_keys_are_not_read_in_the_clear_outside_a_laptop() -> None:
    """Whoever changes the keys on their way can sign any token."""
    with pytest.raises(BadSettings, match="JWT_JWKS_URL must begin with https://"):
        Settings.from_environment(PROD | {"JWT_JWKS_URL": "http://issuer.example/keys"})


@pytest.mark.parametrize("name", ["QUEUE_SHARDS", "QUEUE_SHARDS_ALSO"])
def test_more_shards_than_a_drain_can_visit_are_refused(name: str) -> None:
    """And so are none at all."""
    with pytest.raises(BadSettings, match=f"^{name} must be 64 at most, not 65.$"):
        Settings.from_environment(PROD | {name: "65"})
    with pytest.raises(BadSettings, match=f"^{name} must be a whole number from 1 on"):
        Settings.from_environment(PROD | {name: "0"})
