"""A stage by one `terraform apply`, and its end by one `terraform destroy`, beside another stage in the same account.

tests/aws/whole_stage.py has made and unmade both on an emulated AWS before these tests look at what it saw.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from chalicelib.db.migrate import head
from local.packaging import Package, lay_out
from tests.aws.conftest import stages_file
from tests.aws.ground import MODULE
from tests.aws.stage import FUNCTIONS

pytestmark = pytest.mark.aws

_PATIENCE = 900.0  # seconds for two applies and two destroys, of which four minutes are RDS's


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, Any]:
    """What stood (`made`), what the API answered (`answers`), the outputs of both roots, and what is left (`left`)."""
    result = stages_file(tmp_path_factory, worker_id)
    deadline = time.monotonic() + _PATIENCE
    while not result.exists():
        assert time.monotonic() < deadline, result.with_suffix(".log").read_text(encoding="utf-8")[-2000:]
        time.sleep(0.2)
    told: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    if "skipped" in told:
        pytest.skip(told["skipped"])
    assert "failed" not in told, told["failed"]
    return told


@pytest.fixture(scope="module")
def made(stages: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What stood, by kind."""
    return dict(stages["made"])


def named(made: dict[str, list[dict[str, Any]]], kind: str, key: str) -> set[str]:
    """The names of what stood."""
    return {str(one[key]) for one in made[kind]}


def test_one_apply_makes_every_function_with_a_role_of_its_own(made: dict[str, list[dict[str, Any]]]) -> None:
    """And with the code that was packed: all of it the same."""
    roles = {one["FunctionName"]: one["Role"].rpartition("/")[2] for one in made["functions"]}
    expected = {name: f"rollcall-dev-{name.replace('_', '-')}" for name in FUNCTIONS}
    assert roles == {"rollcall-dev" + ("" if name == "api" else f"-{name}"): role for name, role in expected.items()}
    assert len({one["CodeSha256"] for one in made["functions"]}) == 1


def test_the_functions_stand_in_the_private_network(made: dict[str, list[dict[str, Any]]]) -> None:
    """In its subnets, none of which hands out public addresses, and under the one group that servers let in."""
    [vpc] = [one["VpcId"] for one in made["networks"] if one["CidrBlock"] == "10.20.0.0/16"]
    subnets = [one for one in made["subnets"] if one["VpcId"] == vpc]
    groups = {one["GroupName"]: one for one in made["security groups"] if one["VpcId"] == vpc}
    for function in made["functions"]:
        assert set(function["VpcConfig"]["SubnetIds"]) == {one["SubnetId"] for one in subnets}
        assert function["VpcConfig"]["SecurityGroupIds"] == [groups["rollcall-dev-functions"]["GroupId"]]
    assert not any(one["MapPublicIpOnLaunch"] for one in subnets)
    for server, port in (("postgres", 5432), ("redis", 6379)):
        [lets_in] = groups[f"rollcall-dev-{server}"]["IpPermissions"]
        assert (lets_in["FromPort"], lets_in["ToPort"], lets_in["IpRanges"]) == (port, port, [])
        assert [one["GroupId"] for one in lets_in["UserIdGroupPairs"]] == [groups["rollcall-dev-functions"]["GroupId"]]


def test_what_is_stored_is_encrypted_with_the_key_of_its_stage(made: dict[str, list[dict[str, Any]]]) -> None:
    """Postgres, Redis, secrets and logs; two stages have two keys."""
    keys = {one["Description"]: one["Arn"] for one in made["keys"]}
    for stage in ("dev", "prod"):
        key = keys[f"Everything that rollcall-{stage} stores"]
        [postgres] = [one for one in made["databases"] if one["DBInstanceIdentifier"] == f"rollcall-{stage}"]
        [redis] = [one for one in made["caches"] if one["ReplicationGroupId"] == f"rollcall-{stage}"]
        secrets = [one for one in made["secrets"] if one["Name"].startswith(f"rollcall/{stage}/")]
        logs = [one for one in made["log groups"] if f"rollcall-{stage}" in one["logGroupName"]]
        assert postgres["StorageEncrypted"]
        assert postgres["KmsKeyId"] == key
        assert redis["AtRestEncryptionEnabled"]
        assert redis["KmsKeyId"] == key
        assert [one["KmsKeyId"] for one in secrets] == [key, key]
        assert {one["kmsKeyId"] for one in logs} == {key}
        assert len(logs) >= len(FUNCTIONS)


def test_the_servers_speak_tls_only_and_drop_nothing(made: dict[str, list[dict[str, Any]]]) -> None:
    """Also of use: Postgres has no public address."""
    assert not any(one["PubliclyAccessible"] for one in made["databases"])
    assert all(one["TransitEncryptionEnabled"] for one in made["caches"])
    set_ = [(one["ParameterName"], one["ParameterValue"]) for one in made["parameters of databases"]]
    assert set_.count(("rds.force_ssl", "1")) == 2
    drops = [(one["ParameterName"], one["ParameterValue"]) for one in made["parameters of caches"]]
    assert drops == [("maxmemory-policy", "noeviction")] * 2


def test_the_schedules_ring_their_functions(made: dict[str, list[dict[str, Any]]]) -> None:
    """By rules that have the stage in their names."""
    rings = {one["rule"]: one["Arn"].rpartition(":")[2] for one in made["targets"]}
    assert rings == {f"rollcall-dev-{name}-event": f"rollcall-dev-{name}" for name in ("drain_schedule", "maintain")}
    assert {one["Name"]: one["ScheduleExpression"] for one in made["rules"]} == {
        "rollcall-dev-drain_schedule-event": "rate(1 minute)",
        "rollcall-dev-maintain-event": "rate(1 day)",
    }


def test_both_apis_are_limited_and_logged_and_the_firewall_stands_at_once(
    made: dict[str, list[dict[str, Any]]],
) -> None:
    """No second apply with ids is needed; no log names who asked, or for whom."""
    [rest], [live] = made["REST stages"], made["WebSocket stages"]
    assert (
        rest["methodSettings"]["*/*"]["throttlingRateLimit"]
        == live["DefaultRouteSettings"]["ThrottlingRateLimit"]
        == 50
    )
    for log in (rest["accessLogSettings"]["format"], live["AccessLogSettings"]["Format"]):
        assert "$context.requestId" in log
        assert "identity" not in log
        assert "$context.path" not in log
    assert [one["firewall"] for one in made["firewalled"]] == ["rollcall-dev"]


def test_the_apply_has_migrated_the_database_and_the_api_answers(stages: dict[str, Any]) -> None:
    """The packed code ran: the migration on an empty Postgres, and the API on what that had made."""
    assert json.loads(stages["dev"]["migrated"]) == {"from": None, "to": head(), "password_set": True}
    assert stages["answers"] == {"/health": 200, "/sections": 401}


def test_what_the_functions_are_told_on_aws_holds_no_login(stages: dict[str, Any]) -> None:
    """The servers' own addresses, with TLS that is verified, and where the logins are kept."""
    for stage in ("dev", "prod"):
        told = stages[stage]["environment"] | stages[stage]["function_environment"]["migrate"]
        assert not any("@" in value for value in told.values())
        assert told["DATABASE_SECRET_ARN"].partition(":secret:")[2].startswith(f"rollcall/{stage}/postgres")
        assert "sslmode=verify-full" in told["DATABASE_URL"]
        assert told["REDIS_URL"].startswith("rediss://")


def test_two_stages_stand_side_by_side(made: dict[str, list[dict[str, Any]]]) -> None:
    """Each has its own of whatever the ground is made of."""
    for kind, key in (
        ("alarms", "AlarmName"), ("buckets", "Name"), ("caches", "ReplicationGroupId"), ("firewalls", "Name"),
        ("dashboards", "DashboardName"), ("databases", "DBInstanceIdentifier"), ("roles", "RoleName"),
        ("cache user groups", "UserGroupId"), ("budgets", "BudgetName"), ("user pools", "Name"),
    ):  # fmt: skip
        names = named(made, kind, key)
        assert (
            {name.replace("dev", "prod", 1) for name in names if "dev" in name}
            >= {name for name in names if "prod" in name}
            != set()
        ), kind


def test_a_destroy_leaves_nothing_but_what_must_be_kept(stages: dict[str, Any]) -> None:
    """Of prod the snapshots with their key, and the secrets for a month; of dev a key that is going to be deleted."""
    left = {kind: those for kind, those in stages["left"].items() if those}
    assert set(left) == {"keys", "secrets", "database snapshots"}
    snapshots = {one["SnapshotType"]: one["DBSnapshotIdentifier"] for one in left["database snapshots"]}
    assert set(snapshots) == {"manual", "automated"}
    assert snapshots["manual"] == "rollcall-prod-final"
    assert snapshots["automated"].startswith("rds:rollcall-prod-")  # backups outlive it
    assert {one["Name"] for one in left["secrets"]} == {"rollcall/prod/postgres", "rollcall/prod/redis"}
    assert all(one["DeletedDate"] for one in left["secrets"])
    assert {one["Description"].rpartition("-")[2]: one["KeyState"] for one in left["keys"]} == {
        "dev stores": "PendingDeletion",
        "prod stores": "Enabled",
    }
    assert {one["KmsKeyId"] for one in left["database snapshots"]} == {
        one["Arn"] for one in left["keys"] if one["KeyState"] == "Enabled"
    }


def test_the_root_is_laid_out_anew_and_holds_nothing_of_chalices_own_roles(package: Package, tmp_path: Path) -> None:
    """What was there goes, but for what Terraform keeps; what is generated asks for no old provider."""
    for name in ("of-before.tf", "terraform.tfstate"):
        (tmp_path / name).write_text("{}")
    lay_out(package, tmp_path)
    assert not (tmp_path / "of-before.tf").exists()
    assert (tmp_path / "terraform.tfstate").exists()
    generated = json.loads((tmp_path / "chalice.tf.json").read_text(encoding="utf-8"))
    assert not {"terraform", "output"} & set(generated)
    assert not {"aws_iam_role", "aws_iam_role_policy", "aws_apigatewayv2_stage"} & set(generated["resource"])
    assert "stage_name" not in json.dumps(generated["resource"]["aws_api_gateway_deployment"])
    assert {path.name for folder in (MODULE, MODULE.parent / "everything") for path in folder.glob("*.tf")} == {
        path.name for path in tmp_path.glob("*.tf")
    }
