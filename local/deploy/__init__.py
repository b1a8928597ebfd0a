"""Deploys a stage by Chalice onto the ground that infra/terraform made, checks it, takes it back, takes it away.

ground = read_ground("dev")
deploy(ground, print)
rollback(ground, print)
undeploy(ground, print)

Nothing is remembered on this machine: what stands of a stage is asked of AWS.
"""

from __future__ import annotations

from .deployment import deploy, rollback, undeploy
from .ground import Ground, read_ground
from .steps import DeployFault

__all__ = ["DeployFault", "Ground", "deploy", "read_ground", "rollback", "undeploy"]
