"""The whole of a deployment, of a rollback, and of taking a stage away; step by step."""

from __future__ import annotations

import tempfile
from pathlib import Path

import boto3

from local.folder import ROOT
from local.packaging import Architecture, Package, build
from local.packaging.project import copy_project

from .chalice import chalice
from .checking import migrate, smoke_test
from .finishing import send_access_log, tell_address
from .ground import Ground
from .project import make_project, remember
from .source import commit_of, extract
from .standing import Standing, find_standing
from .steps import DeployFault, Say, step


def deploy(
    ground: Ground, say: Say, *, architecture: Architecture | None = None, package: Package | None = None,
    checkout: Path = ROOT,
) -> Standing:  # fmt: skip
    """Deploy the code of `checkout`, or a `package` that was made of it, migrate, and see whether it answers.

    Raises DeployFault with the step that failed. Whatever stands by then is found again by the next deployment.
    """
    return _deploy(ground, say, checkout, commit_of(checkout), architecture, package, migrating=True)


def rollback(
    ground: Ground, say: Say, *, to: str | None = None, architecture: Architecture | None = None,
    package: Package | None = None, checkout: Path = ROOT,
) -> Standing:  # fmt: skip
    """Deploy the code of the commit that was deployed before, or of `to`; the schema stays as it is.

    `package` is one that was made of it, if it was kept.

    Raises DeployFault, also if nobody knows what was deployed before.
    """
    with step("Look at what stands", say):
        _check_account(ground)
        commit = to or find_standing(ground).tags.get("before", "")
        if not commit:
            raise DeployFault("nothing was deployed before what stands. Name a commit: TO=...")
    with tempfile.TemporaryDirectory(prefix="rollcall-before-") as folder:
        with step(f"Fetch {commit}", say):
            extract(checkout, commit, Path(folder))
        return _deploy(ground, say, Path(folder), commit, architecture, package, migrating=False)


def undeploy(ground: Ground, say: Say, *, checkout: Path = ROOT) -> None:
    """Delete all that Chalice made of the stage; the ground stays. Raises DeployFault if something is left."""
    with step("Look at what stands", say):
        _check_account(ground)
        standing = find_standing(ground)
    if not standing:
        say(f"Nothing of {ground.name} stands.")
        return
    with tempfile.TemporaryDirectory(prefix="rollcall-undeploy-") as scratch, step("Delete it by Chalice", say):
        project = Path(scratch, "project")
        copy_project(project, ground.stage, None, checkout)
        remember(project, ground, standing)
        chalice("delete", project, ground)
        if left := find_standing(ground):
            raise DeployFault(f"left are {left}. Delete it again.")
    say(f"Deleted: {standing}.")


def _deploy(
    ground: Ground, say: Say, source: Path, commit: str, architecture: Architecture | None, package: Package | None,
    *, migrating: bool,
) -> Standing:  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="rollcall-deploy-") as folder:
        scratch = Path(folder)
        with step("Look at what stands", say):
            _check_account(ground)
            before = find_standing(ground)
        if package is None:
            with step("Make the package", say):
                package = build(ground.stage, scratch / "package", architecture=architecture, source=source)
        tags = {"commit": commit, "before": _before(before, commit)}
        with step(f"Deploy {commit} to {ground.name} by Chalice", say, "What stands already is found next time."):
            known = {name: value for name, value in tags.items() if value}
            make_project(scratch / "project", source, ground, package, before, known)
            chalice("deploy", scratch / "project", ground)
            standing = find_standing(ground)
        if before.websocket_api is None:
            with step("Tell the functions the address of the new WebSocket API", say):
                tell_address(ground, standing)
        if standing.rest_api is None:
            raise DeployFault("Chalice has deployed, and no REST API of the stage is to be found.")
        with step("Send the API's access log to its group", say):
            send_access_log(ground, standing.rest_api)
        back = _way_back(ground, tags["before"])
        if migrating:
            with step("Migrate", say, _after_migration(ground, back)):
                told = migrate(ground, standing.functions["migrate"])
                say(f"  the database was at {told.get('from')} and is at {told['to']}")
        with step("Ask whether it answers", say, back):
            say(f"  {smoke_test(ground, standing.rest_api)}")
    say(f"{ground.name} runs {commit}.\n{_next_apply(standing)}\n{back}")
    return standing


def _before(standing: Standing, commit: str) -> str:
    """What a rollback would go back to: deploying a commit again does not make it its own predecessor."""
    deployed = standing.tags.get("commit", "")
    return standing.tags.get("before", "") if deployed == commit else deployed


def _check_account(ground: Ground) -> None:
    account = boto3.client("sts", region_name=ground.region).get_caller_identity()["Account"]
    if account != ground.account:
        raise DeployFault(f"you are signed in to the account {account}, but the ground is in {ground.account}")


def _way_back(ground: Ground, before: str) -> str:
    if not before:
        return f"There is nothing to go back to. To take it away: make undeploy STAGE={ground.stage}"
    return f"To go back to {before}: make rollback STAGE={ground.stage}"


def _after_migration(ground: Ground, back: str) -> str:
    return (
        "The new code stands, and the schema is at the last revision that went well: each is one transaction.\n"
        f"Its log: aws logs tail /aws/lambda/{ground.name}-migrate --region {ground.region}\n"
        f"Mend the cause and deploy again; the migration goes on from there. {back}"
    )


def _next_apply(standing: Standing) -> str:
    return (
        "For the firewall, the limits and the policy of live messages, apply infra/terraform with these, if it does "
        f'not have them: rest_api_id = "{standing.rest_api}", websocket_api_id = "{standing.websocket_api}"'
    )
