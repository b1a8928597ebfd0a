"""What a deployment refuses before it asks AWS for anything, and what it makes of the outputs of Terraform."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.deploy import DeployFault, Ground, read_ground
from local.deploy.deployment import _before
from local.deploy.project import filled_in
from local.deploy.source import commit_of, extract
from local.deploy.standing import Standing, address
from local.deploy.steps import step

_ACCOUNT = "123456789012"
_VALUES: dict[str, Any] = {
    "subnet_ids": ["subnet-1", "subnet-2"],
    "security_group_ids": ["sg-1"],
    "function_role_arns": {name: f"arn:aws:iam::{_ACCOUNT}:role/{name}" for name in ("api", "drain", "migrate")},
    "drain_function": "rollcall-dev-drain",
    "kms_key_arn": f"arn:aws:kms:eu-central-1:{_ACCOUNT}:key/1",
    "environment": {"REDIS_URL": "rediss://redis.example:6379/0", "DRAIN_FUNCTION": "rollcall-dev-drain"},
    "function_environment": {"migrate": {"MIGRATION_DATABASE_URL": "postgresql://db.example/rollcall"}},
}
_FUNCTIONS = ["api_handler", "drain", "migrate"]
_NOTHING = Standing({}, {}, None, None, {})


def outputs(folder: Path, **other: Any) -> Path:
    """A file as `terraform output -json` writes it; None leaves an output out."""
    values = {name: value for name, value in {**_VALUES, **other}.items() if value is not None}
    path = folder / "outputs.json"
    path.write_text(json.dumps({name: {"type": "x", "value": value} for name, value in values.items()}))
    return path


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """The ground of the stage dev."""
    return read_ground("dev", outputs(tmp_path))


def test_region_and_account_are_those_of_the_ground(ground: Ground) -> None:
    """Nobody has to say them again, and nothing is deployed elsewhere."""
    assert (ground.region, ground.account, ground.name) == ("eu-central-1", _ACCOUNT, "rollcall-dev")


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"subnet_ids": None}, "subnet_ids: Field required"),
        ({"subnet_ids": []}, "subnet_ids: List should have at least 1 item"),
        ({"function_role_arns": {"api": "no-arn"}}, "function_role_arns.api: String should match"),
        ({"environment": {"REDIS_CLUSTER": 1}}, "environment.REDIS_CLUSTER: Input should be a valid string"),
        ({"kms_key_arn": "key"}, "kms_key_arn: String should match"),
    ],
)
def test_each_output_that_will_not_do_is_named(tmp_path: Path, other: dict[str, Any], told: str) -> None:
    """A ground that was not applied, or not by this version."""
    with pytest.raises(DeployFault) as fault:
        read_ground("dev", outputs(tmp_path, **other))
    assert told in str(fault.value)


def test_the_outputs_of_another_stage_are_refused(tmp_path: Path) -> None:
    """Terraform still stands in the state that it was last initialised with."""
    with pytest.raises(DeployFault, match=r"not those of prod.*\n.*init -reconfigure -backend-config=prod\.tfbackend"):
        read_ground("prod", outputs(tmp_path))


@pytest.mark.parametrize("text", ["not json", "[]"])
def test_a_file_that_terraform_did_not_write_is_refused(tmp_path: Path, text: str) -> None:
    """It is named."""
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DeployFault, match=r"x\.json is not the JSON of `terraform output -json`"):
        read_ground("dev", tmp_path / "x.json")


def test_without_terraform_it_says_what_else_to_give(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeployFault, match=r"OUTPUTS=\.\.\."):
        read_ground("dev")


def test_a_stage_keeps_what_it_says_and_gets_what_the_ground_says(ground: Ground) -> None:
    """Each function its role; variables of the ground go before those of the file."""
    said = {
        "environment_variables": {"ROLLCALL_STAGE": "dev", "DRAIN_FUNCTION": "other"},
        "lambda_functions": {"drain": {"lambda_timeout": 120}},
    }
    stage = filled_in(said, _FUNCTIONS, ground, _NOTHING, {"commit": "abc"})
    assert stage["environment_variables"] == {"ROLLCALL_STAGE": "dev", **ground.environment}
    functions = stage["lambda_functions"]
    assert functions["drain"]["lambda_timeout"] == 120
    assert [functions[name]["iam_role_arn"].rpartition("/")[2] for name in _FUNCTIONS] == ["api", "drain", "migrate"]
    assert [name for name in _FUNCTIONS if "environment_variables" in functions[name]] == ["migrate"]
    assert {one["manage_iam_role"] for one in [stage, *functions.values()]} == {False}


def test_a_function_without_a_role_is_refused(ground: Ground) -> None:
    """Else it would have that of another; and variables for nobody are a misspelling."""
    with pytest.raises(DeployFault, match="no role for maintain, import"):
        filled_in({}, [*_FUNCTIONS, "maintain", "import"], ground, _NOTHING, {})
    other = ground.model_copy(update={"function_environment": {"migrat": {}}})
    with pytest.raises(DeployFault, match="no function migrat "):
        filled_in({}, _FUNCTIONS, other, _NOTHING, {})


def test_the_way_back_is_the_commit_that_another_took_the_place_of() -> None:
    """Deploying one commit twice does not make it its own predecessor."""
    assert _before(_NOTHING, "b") == ""
    assert _before(Standing({}, {}, None, None, {"commit": "a"}), "b") == "a"
    assert _before(Standing({}, {}, None, None, {"commit": "b", "before": "a"}), "b") == "a"


def test_an_address_in_china_has_its_own_domain(ground: Ground) -> None:
    """As AWS has it there."""
    assert address(ground, "abc", "https") == "https://abc.execute-api.eu-central-1.amazonaws.com/dev"
    china = ground.model_copy(update={"kms_key_arn": f"arn:aws-cn:kms:cn-north-1:{_ACCOUNT}:key/1"})
    assert address(china, "abc", "wss") == "wss://abc.execute-api.cn-north-1.amazonaws.com.cn/dev"


def test_a_step_that_fails_is_named_with_what_to_do() -> None:
    """In the words of whatever failed."""
    said: list[str] = []
    with (
        pytest.raises(DeployFault, match=r"^Migrate: \[Errno 5\] a broken wire\nMend it\.$"),
        step("Migrate", said.append, "Mend it."),
    ):
        raise OSError(5, "a broken wire")
    assert said == ["Migrate ..."]


def test_code_that_no_commit_holds_is_known_as_changed(tmp_path: Path) -> None:
    """Only files that are deployed count; and a commit gives back what it holds, and nothing else."""
    checkout = tmp_path / "checkout"
    (checkout / "chalicelib").mkdir(parents=True)
    (checkout / ".chalice").mkdir()
    files = ("app.py", "requirements.txt", "chalicelib/x.py", ".chalice/config.json", "README.md")
    for name in files:
        (checkout / name).write_text("old")
    assert commit_of(checkout) == "unknown"
    git(checkout, "init", "-q")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "All")
    commit = commit_of(checkout)
    (checkout / "README.md").write_text("new")
    assert commit_of(checkout) == commit
    (checkout / "app.py").write_text("new")
    assert commit_of(checkout) == f"{commit}-changed"
    extract(checkout, commit, tmp_path / "before")
    found = {
        path.relative_to(tmp_path / "before").as_posix(): path.read_text() for path in files_in(tmp_path / "before")
    }
    assert found == dict.fromkeys(files[:-1], "old")


def files_in(folder: Path) -> list[Path]:
    """All of them, however deep."""
    return [path for path in folder.rglob("*") if path.is_file()]


def git(checkout: Path, *arguments: str) -> None:
    """Run git as somebody."""
    somebody = ["-c", "user.name=x", "-c", "user.email=x@school.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(checkout), *somebody, *arguments], check=True)
