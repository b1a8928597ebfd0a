"""Settings are read once, and an environment that cannot work is refused by the name of the variable."""

from __future__ import annotations

import traceback

import pytest

from chalicelib.config import BadSettings, Rate, RateSettings, Settings, TokenSettings, on_lambda
from chalicelib.server_settings import AwsSettings, RedisIam

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
            "MIGRATION_DATABASE_URL": "postgresql://rollcall_owner:hush@db/rollcall?sslmode=verify-full",
        }
    )
    assert (settings.stage, settings.tokens.audience, settings.queue_name) == ("staging", "school", "marks")
    assert (settings.queue_shards, settings.queue_shards_also) == (8, 4)
    assert (settings.redis_min_replicas, settings.drain_function, settings.database_pool) == (2, "rollcall-drain", 8)
    assert settings.owner_url() == "postgresql://rollcall_owner:hush@db/rollcall?sslmode=verify-full"


@pytest.mark.parametrize(
    ("said", "meant"),
    [("169.254.79.129:2000", ("169.254.79.129", 2000)), ("", None), ("2000", None), ("host:", None), ("host:x", None)],
)
def test_the_daemon_of_x_ray_is_known_or_there_is_none(said: str, meant: tuple[str, int] | None) -> None:
    """Lambda says where; an address that is none costs traces, and no start."""
    assert Settings.from_environment({**PROD, "AWS_XRAY_DAEMON_ADDRESS": said}).xray_daemon == meant


def test_lambda_is_known_by_the_name_that_it_gives_each_function() -> None:
    """A laptop has none."""
    assert on_lambda({"AWS_LAMBDA_FUNCTION_NAME": "rollcall-dev"})
    assert not on_lambda({})


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
    with pytest.raises(BadSettings, match=f"^{name} must be a whole number from . (on|to 64), not '{value}'"):
        Settings.from_environment(PROD | {name: value})


RATES = ["RATE_TENANT_WRITES", "RATE_USER_WRITES", "RATE_TENANT_READS", "RATE_USER_READS"]


def test_rates_are_bounded_unless_it_is_a_laptop() -> None:
    """Each can be set; on a laptop there is nobody to keep from anybody."""
    assert Settings.from_environment(PROD).rates == RateSettings(Rate(6_000, 600), Rate(30_000, 3_000))
    assert Settings.from_environment(LAPTOP).rates == RateSettings(
        Rate(1_000_000, 1_000_000), Rate(1_000_000, 1_000_000)
    )
    for env in (PROD, LAPTOP):
        numbered = {name: str(number) for number, name in enumerate(RATES, start=1)}
        assert Settings.from_environment(env | numbered).rates == RateSettings(Rate(1, 2), Rate(3, 4))


@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize("value", ["0", "-1", "1000001", "many"])
def test_a_rate_that_cannot_be_kept_is_refused(name: str, value: str) -> None:
    """None is no rate, and above a million a minute one request is too short to be told in microseconds."""
    with pytest.raises(BadSettings, match=f"^{name} must be a whole number from 1 to 1000000, not '{value}'"):
        Settings.from_environment(PROD | {name: value})


def test_pages_that_may_call_the_api_are_named_one_by_one() -> None:
    """None by default, and on a laptop those that it serves itself."""
    assert Settings.from_environment(PROD).cors_origins == frozenset()
    assert Settings.from_environment(LAPTOP).cors_origins == {"http://localhost:*", "http://127.0.0.1:*"}
    named = Settings.from_environment(PROD | {"CORS_ORIGINS": "https://a.example, https://b.example:8443"})
    assert named.cors_origins == {"https://a.example", "https://b.example:8443"}


@pytest.mark.parametrize(
    "value",
    ["*", "null", "http://a.example", "https://a.example/", "https://*.example", "https://a.example:*", "a.example"],
)
def test_an_origin_that_could_be_anybody_is_refused(value: str) -> None:
    """Also one that no browser would ever send."""
    with pytest.raises(BadSettings, match=r"^CORS_ORIGINS lists origins such as"):
        Settings.from_environment(PROD | {"CORS_ORIGINS": f"https://fine.example,{value}"})


def test_a_refusal_tells_no_secret() -> None:
    """URLs carry credentials; what is logged of a bad environment must not."""
    with pytest.raises(BadSettings) as refused:
        Settings.from_environment(PROD | {"REDIS_MIN_REPLICAS": "x"})
    assert "secret" not in str(refused.value)


def test_a_process_without_a_connection_is_refused() -> None:
    """The driver's pool would take 0 as unlimited."""
    with pytest.raises(BadSettings, match=r"DATABASE_POOL must be a whole number from . on, not '0'"):
        Settings.from_environment(PROD | {"DATABASE_POOL": "0"})


def test_keys_are_not_read_in_the_clear_outside_a_laptop() -> None:
    """Whoever changes the keys on their way can sign any token."""
    with pytest.raises(BadSettings, match="JWT_JWKS_URL must begin with https://"):
        Settings.from_environment(PROD | {"JWT_JWKS_URL": "http://issuer.example/keys"})


ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rollcall/dev/"
ON_AWS = {
    "DATABASE_URL": "postgresql://db/rollcall?sslmode=verify-full&sslrootcert=rds",
    "DATABASE_SECRET_ARN": f"{ARN}postgres-AbCdEf",
    "REDIS_URL": "rediss://cache:6379/0",
    "REDIS_SECRET_ARN": f"{ARN}redis-AbCdEf",
    "JWT_ISSUER": "https://issuer.example/",
    "JWT_JWKS_URL": "https://issuer.example/keys",
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": "the key of the role",
    "AWS_SESSION_TOKEN": "the token of the session",
}


def test_a_function_on_aws_is_told_no_secret() -> None:
    """ARNs, and URLs without passwords; the keys of its role are Lambda's own doing."""
    settings = Settings.from_environment(ON_AWS)
    assert settings.database_secret_arn == f"{ARN}postgres-AbCdEf"
    assert settings.redis_secret_arn == f"{ARN}redis-AbCdEf"
    assert settings.aws == AwsSettings(
        "eu-west-1", "AKID", "the key of the role", "the token of the session",
        "https://secretsmanager.eu-west-1.amazonaws.com",
    )  # fmt: skip


def test_settings_may_be_printed() -> None:
    """No URL is in it, no key and no token."""
    for environment in (ON_AWS, PROD, LAPTOP):
        shown = repr(Settings.from_environment(environment))
        for hidden in ("secret@", "the key of the role", "the token of the session", "k" * 32):
            assert hidden not in shown


def test_tokens_of_iam_are_a_choice() -> None:
    """The URL names the user then."""
    iam = {
        "DATABASE_URL": "postgresql://rollcall_app@db/rollcall?sslmode=verify-full", "DATABASE_IAM": "1",
        "REDIS_URL": "rediss://rollcall-dev-app@cache:6379/0", "REDIS_IAM": "node:rollcall-dev",
    }  # fmt: skip
    without = {name: value for name, value in ON_AWS.items() if not name.endswith("_ARN")}
    settings = Settings.from_environment(without | iam)
    assert (settings.database_iam, settings.redis_iam) == (True, RedisIam("node", "rollcall-dev"))
    with pytest.raises(BadSettings, match=r"^DATABASE_URL must name the user and the host"):
        Settings.from_environment(without | iam | {"DATABASE_URL": "postgresql://db/rollcall?sslmode=verify-full"})


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"DATABASE_SECRET_ARN": "hush"}, "DATABASE_SECRET_ARN must be the ARN of a secret of Secrets Manager."),
        ({"REDIS_SECRET_ARN": "arn:aws:s3:::hush"}, "REDIS_SECRET_ARN must be the ARN of a secret"),
        ({"REDIS_IAM": "hush"}, "REDIS_IAM must be node:NAME"),
        ({"DATABASE_IAM": "1"}, "One way to sign in is enough, not DATABASE_SECRET_ARN and tokens of IAM."),
        (
            {"REDIS_URL": "rediss://app:hush@cache"},
            "One way to sign in is enough, not the password in REDIS_URL and REDIS_SECRET_ARN.",
        ),
        ({"REDIS_URL": "rediss://app:a/hush@cache"}, "REDIS_URL cannot be read"),
        ({"DATABASE_URL": "postgresql://app:hu#sh@db/x"}, "DATABASE_URL cannot be read"),
        ({"DATABASE_URL": "postgresql://app:hush/@db/x"}, "DATABASE_URL cannot be read"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "AWS_SECRET_ACCESS_KEY is not set."),
        ({"AWS_REGION": ""}, "AWS_DEFAULT_REGION is not set."),
        ({"AWS_ENDPOINT_URL": "http://vault.example"}, "AWS_ENDPOINT_URL_SECRETS_MANAGER must begin with https://"),
    ],
)
def test_a_login_that_cannot_be_is_refused_by_name_and_not_shown(variables: dict[str, str], told: str) -> None:
    """A password that breaks its URL would be in the message of whoever tried to read it."""
    with pytest.raises(BadSettings) as refused:
        Settings.from_environment(ON_AWS | variables)
    assert str(refused.value).startswith(told)
    assert "hush" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("name", ["QUEUE_SHARDS", "QUEUE_SHARDS_ALSO"])
def test_more_shards_than_a_drain_can_visit_are_refused(name: str) -> None:
    """And so are none at all."""
    with pytest.raises(BadSettings, match=f"^{name} must be a whole number from 1 to 64, not '65'"):
        Settings.from_environment(PROD | {name: "65"})
    with pytest.raises(BadSettings, match=f"^{name} must be a whole number from 1 to 64"):
        Settings.from_environment(PROD | {name: "0"})
