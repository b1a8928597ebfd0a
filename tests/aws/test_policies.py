"""Who may do what on AWS, by the policies that Terraform would write: each function its own, and each `*` known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.config import Settings
from tests.aws.ground import check

pytestmark = [pytest.mark.aws, pytest.mark.slow]

STARS = {
    ("aws_iam_role_policy.function", "StandInTheNetwork"): "Lambda asks before the network interface has a name",
    ("aws_iam_role_policy.function", "SendTraces"): "a trace is no resource",
    ("aws_kms_key.main", "TheAccountAdministers"): "in a key's policy, `*` is the key; AWS's default, else it is lost",
    ("aws_kms_key.main", "LogsAreEncrypted"): "in a key's policy, `*` is the key",
    ("aws_kms_key.main", "AlarmsReachTheTopic"): "in a key's policy, `*` is the key",
    ("aws_vpc_endpoint.service[secretsmanager]", "OwnAccount"): "GetRandomPassword has no resource; roles name secrets",
    ("aws_vpc_endpoint.service[sns]", "OwnAccount"): "a telephone number is no resource",
}
"""Statements that may name the resource `*`, each with its reason."""

ALL_ACTIONS = {("aws_kms_key.main", "TheAccountAdministers"): "AWS's default, without which nobody could administer it"}
"""Statements that may name all actions of a service."""

EVERY_FUNCTION = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:UnassignPrivateIpAddresses",
    "kms:Decrypt",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "secretsmanager:GetSecretValue",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
OWN_ACTIONS: dict[str, set[str]] = {
    "api": {"lambda:InvokeFunction", "execute-api:ManageConnections"},
    "drain": {"execute-api:ManageConnections"},
    "drain_schedule": {"execute-api:ManageConnections"},
    "maintain": set(),
    "migrate": set(),
    "import": {"s3:GetObject"},
    "websocket_connect": set(),
    "websocket_message": {"execute-api:ManageConnections"},
    "websocket_disconnect": set(),
}
OWN_SECRETS = {
    "migrate": {"rds!db-owner", "rollcall/prod/postgres"},
    "websocket_connect": {"rollcall/prod/redis"},
    "websocket_disconnect": {"rollcall/prod/redis"},
}


@dataclass(frozen=True)
class Statement:
    """One statement of a policy, and where it stands: an address, with the key of `for_each` or nothing in brackets."""

    where: str
    said: dict[str, Any]

    @property
    def place(self) -> tuple[str, str]:
        """By which it may be excused."""
        where = self.where if self.where.startswith("aws_vpc_endpoint") else self.where.partition("[")[0]
        return where, self.said.get("Sid", "")

    def listed(self, name: str) -> list[str]:
        """`Action` or `Resource`, as a list."""
        value = self.said.get(name, [])
        return [value] if isinstance(value, str) else value

    @property
    def allows(self) -> bool:
        """Whether it gives anything."""
        return bool(self.said["Effect"] == "Allow")


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    """The state of the fullest stage, after an apply on a mocked provider."""
    done = check("--terraform", "test", "-json", "-verbose", "-filter=tests/prod.tftest.hcl")
    assert done.returncode == 0, done.stdout + done.stderr
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    [state] = [message["test_state"] for message in messages if message["type"] == "test_state"]
    return dict(state)


@pytest.fixture(scope="module")
def statements(state: dict[str, Any]) -> list[Statement]:
    """Every statement of every policy."""
    return list(_statements(state["root_module"]["resources"]))


def _statements(resources: list[dict[str, Any]]) -> Iterator[Statement]:
    for resource in resources:
        for name in ("policy", "assume_role_policy"):
            text = resource["values"].get(name)
            if resource["mode"] == "managed" and isinstance(text, str) and text.startswith("{"):
                where = resource["address"].replace('"', "")
                yield from (Statement(where, said) for said in json.loads(text)["Statement"])


def test_every_policy_is_read(statements: list[Statement]) -> None:
    """A policy that is written in another way would be one that nothing below looks at."""
    kinds = {statement.where.partition(".")[0] for statement in statements}
    assert kinds == {
        "aws_iam_role",
        "aws_iam_role_policy",
        "aws_kms_key",
        "aws_s3_bucket_policy",
        "aws_sns_topic_policy",
        "aws_vpc_endpoint",
    }
    functions = {statement.where for statement in statements if "role_policy.function" in statement.where}
    assert functions == {f"aws_iam_role_policy.function[{name}]" for name in OWN_ACTIONS}


def test_nothing_may_do_everything(statements: list[Statement]) -> None:
    """No action `*`, and none of a whole service."""
    wide = {
        statement.place
        for statement in statements
        if statement.allows and any(action == "*" or action.endswith(":*") for action in statement.listed("Action"))
    }
    assert wide == set(ALL_ACTIONS)


def test_each_star_has_a_reason(statements: list[Statement]) -> None:
    """A resource `*` stands in the table above, and what stands there is still needed."""
    assert {
        statement.place for statement in statements if statement.allows and "*" in statement.listed("Resource")
    } == set(STARS)


def test_no_account_or_region_is_left_open(statements: list[Statement]) -> None:
    """An ARN names its service, and its region and account where it has them."""
    arns = [arn.split(":") for statement in statements for arn in statement.listed("Resource") if arn != "*"]
    assert [":".join(arn) for arn in arns if "*" in arn[2:5]] == []


def test_nothing_excuses_itself_by_not_action_or_not_resource(statements: list[Statement]) -> None:
    """Both allow whatever they do not name."""
    assert [
        statement.place
        for statement in statements
        if {"NotAction", "NotResource", "NotPrincipal"} & set(statement.said)
    ] == []


@pytest.mark.parametrize("function", OWN_ACTIONS)
def test_a_function_has_its_own_actions_only(statements: list[Statement], function: str) -> None:
    """What a function may do is what it does."""
    allowed = {action for one in _of(statements, function) if one.allows for action in one.listed("Action")}
    assert allowed == EVERY_FUNCTION | OWN_ACTIONS[function]


@pytest.mark.parametrize("function", OWN_ACTIONS)
def test_a_function_reads_its_own_secrets_only(statements: list[Statement], function: str) -> None:
    """Only migrations sign in as the owner, and who needs no Postgres has no password of it."""
    [reads] = [one for one in _of(statements, function) if one.said["Sid"] == "ReadItsSecrets"]
    names = {arn.partition(":secret:")[2] for arn in reads.listed("Resource")}
    assert names == OWN_SECRETS.get(function, {"rollcall/prod/postgres", "rollcall/prod/redis"})


@pytest.mark.parametrize("function", OWN_ACTIONS)
def test_the_code_of_a_function_cannot_use_what_lambda_needs(statements: list[Statement], function: str) -> None:
    """Network interfaces are made by Lambda, by the same role."""
    [stand] = [one for one in _of(statements, function) if one.said["Sid"] == "StandInTheNetwork"]
    [deny] = [one for one in _of(statements, function) if not one.allows]
    assert deny.listed("Action") == stand.listed("Action")
    name = "rollcall-prod" + ("" if function == "api" else f"-{function}")
    arn = deny.said["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]
    assert arn == f"arn:aws:lambda:eu-west-1:123456789012:function:{name}"


def test_a_ring_reaches_the_drain_only_and_a_post_this_api_only(statements: list[Statement]) -> None:
    """The two calls that leave a function name what they are for."""
    by_sid: dict[str, set[str]] = {}
    for statement in statements:
        if "role_policy.function" in statement.where:
            by_sid.setdefault(statement.said["Sid"], set()).update(statement.listed("Resource"))
    assert by_sid["RingTheDrain"] == {"arn:aws:lambda:eu-west-1:123456789012:function:rollcall-prod-drain"}
    assert by_sid["PostToOpenWebSockets"] == {
        "arn:aws:execute-api:eu-west-1:123456789012:fghij67890/prod/POST/@connections/*"
    }
    assert by_sid["ReadUploads"] == {"arn:aws:s3:::rollcall-prod-files-123456789012/uploads/*"}


def test_only_services_take_on_roles_and_only_the_account_is_let_in(statements: list[Statement]) -> None:
    """Nobody of another account gets in by a policy of ours."""
    for statement in statements:
        principal = statement.said.get("Principal", {})
        if statement.said["Effect"] != "Allow" or "Service" in principal:
            continue
        if statement.where.startswith("aws_vpc_endpoint"):
            assert statement.said["Condition"] == {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}
        elif principal:
            assert principal == {"AWS": "arn:aws:iam::123456789012:root"}


def test_no_password_is_told_and_only_that_of_redis_is_kept(state: dict[str, Any]) -> None:
    """Outputs hold none; the state holds the one that ElastiCache takes in no other way."""
    known = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210")
    kept = {
        f"{resource['mode']} {resource['type']}"
        for resource in state["root_module"]["resources"]
        if any(password in json.dumps(resource["values"]) for password in known)
    }
    assert kept == {"data aws_secretsmanager_secret_version", "managed aws_elasticache_user"}
    assert state["outputs"]
    assert not any(password in json.dumps(state["outputs"]) for password in known)


def test_the_app_takes_what_the_ground_tells_it(state: dict[str, Any]) -> None:
    """By its own reading of its environment, in the strictest stage; each name is one that it knows."""
    told = {**state["outputs"]["environment"]["value"], **state["outputs"]["function_environment"]["value"]["migrate"]}
    by_lambda = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    settings = Settings.from_environment(told | by_lambda)
    assert (settings.stage, settings.tokens.issuer) == ("prod", told["JWT_ISSUER"])
    for arn in (settings.database_secret_arn, settings.redis_secret_arn, settings.migration_database_secret_arn):
        assert arn
    assert settings.owner_url().startswith("postgresql://postgres.internal:5432/")
    assert [name for name in told if name not in str(Settings.from_environment.__doc__)] == []


def _of(statements: list[Statement], function: str) -> list[Statement]:
    return [one for one in statements if one.where == f"aws_iam_role_policy.function[{function}]"]
