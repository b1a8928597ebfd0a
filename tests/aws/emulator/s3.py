"""S3 denies, by a policy that says so, only requests without TLS; moto denies all, since it reads no condition.

Here every request counts as one by TLS, as if that had ended before this server.
"""

from __future__ import annotations

import json
from functools import wraps
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

_WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def mend() -> None:
    """Leave out what is said of requests without TLS."""
    original = FakeBucket.get_permission

    @wraps(original)
    def get_permission(self: FakeBucket, action: str, resource: str) -> Any:
        if self.policy is None:
            return original(self, action, resource)
        policy = json.loads(self.policy)
        statements = [one for one in policy["Statement"] if one.get("Condition") != _WITHOUT_TLS]
        if not statements:
            return PermissionResult.NEUTRAL
        return IAMPolicy(json.dumps({**policy, "Statement": statements})).is_action_permitted(action, resource)

    FakeBucket.get_permission = get_permission  # type: ignore[method-assign]
