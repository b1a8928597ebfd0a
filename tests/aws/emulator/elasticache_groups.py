"""ElastiCache has groups of parameters and of users; moto has neither, and answers 500.

They are kept as they were asked for: what a server would make of them is not looked at.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.elasticache.models import ElastiCacheBackend
from moto.elasticache.responses import ElastiCacheResponse

_Groups = dict[str, dict[str, Any]]


class _NoParameterGroup(ServiceException):
    code = "CacheParameterGroupNotFound"


class _NoUserGroup(ServiceException):
    code = "UserGroupNotFound"


def mend() -> None:
    """Add the calls, and let groups have tags."""
    for call in (
        create_cache_parameter_group, describe_cache_parameter_groups, modify_cache_parameter_group,
        describe_cache_parameters, delete_cache_parameter_group, create_user_group, describe_user_groups,
        delete_user_group,
    ):  # fmt: skip
        setattr(ElastiCacheResponse, call.__name__, call)
    original = ElastiCacheBackend.list_tags_for_resource

    @wraps(original)
    def list_tags_for_resource(self: ElastiCacheBackend, arn: str) -> Any:
        groups = [*_parameters(self).values(), *_users(self).values()]
        return {"Tags": []} if arn in [group["ARN"] for group in groups] else original(self, arn)

    ElastiCacheBackend.list_tags_for_resource = list_tags_for_resource  # type: ignore[method-assign]


def create_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    """A group with the parameters of its family, of which none is another's."""
    asked = {
        name: self._get_param(name) for name in ("CacheParameterGroupName", "CacheParameterGroupFamily", "Description")
    }
    name = asked["CacheParameterGroupName"]
    made = {**asked, "ARN": _arn(self, "parametergroup", name), "parameters": {}}
    _parameters(self.elasticache_backend)[name] = made
    return ActionResult({"CacheParameterGroup": _told(made)})


def describe_cache_parameter_groups(self: ElastiCacheResponse) -> ActionResult:
    """One, or all."""
    found = _find(_parameters(self.elasticache_backend), self._get_param("CacheParameterGroupName"), _NoParameterGroup)
    return ActionResult({"CacheParameterGroups": [_told(group) for group in found]})


def modify_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    """Set parameters."""
    name = self._get_param("CacheParameterGroupName")
    [group] = _find(_parameters(self.elasticache_backend), name, _NoParameterGroup)
    for one in self._get_param("ParameterNameValues"):
        group["parameters"][one["ParameterName"]] = one["ParameterValue"]
    return ActionResult({"CacheParameterGroupName": name})


def describe_cache_parameters(self: ElastiCacheResponse) -> ActionResult:
    """Those that were set; not the hundreds that a family has of its own."""
    [group] = _find(
        _parameters(self.elasticache_backend), self._get_param("CacheParameterGroupName"), _NoParameterGroup
    )
    told = [
        {"ParameterName": name, "ParameterValue": value, "Source": "user"}
        for name, value in group["parameters"].items()
    ]
    return ActionResult({"Parameters": told})


def delete_cache_parameter_group(self: ElastiCacheResponse) -> EmptyResult:
    """Gone at once."""
    _parameters(self.elasticache_backend).pop(self._get_param("CacheParameterGroupName"), None)
    return EmptyResult()


def create_user_group(self: ElastiCacheResponse) -> ActionResult:
    """Of users that there are. Raises UserNotFound for others."""
    name = self._get_param("UserGroupId")
    for user in self._get_param("UserIds"):
        self.elasticache_backend.describe_users(user)
    made = {
        "UserGroupId": name, "UserIds": self._get_param("UserIds"), "Engine": self._get_param("Engine"),
        "Status": "active", "ARN": _arn(self, "usergroup", name),
    }  # fmt: skip
    _users(self.elasticache_backend)[name] = made
    return ActionResult(made)


def describe_user_groups(self: ElastiCacheResponse) -> ActionResult:
    """One, or all."""
    found = _find(_users(self.elasticache_backend), self._get_param("UserGroupId"), _NoUserGroup)
    return ActionResult({"UserGroups": found})


def delete_user_group(self: ElastiCacheResponse) -> ActionResult:
    """Gone at once."""
    name = self._get_param("UserGroupId")
    [group] = _find(_users(self.elasticache_backend), name, _NoUserGroup)
    return ActionResult({**_users(self.elasticache_backend).pop(name), "Status": "deleting", "ARN": group["ARN"]})


def _parameters(backend: ElastiCacheBackend) -> _Groups:
    kept: _Groups = backend.__dict__.setdefault("rollcall_parameter_groups", {})
    return kept


def _users(backend: ElastiCacheBackend) -> _Groups:
    kept: _Groups = backend.__dict__.setdefault("rollcall_user_groups", {})
    return kept


def _find(groups: _Groups, name: str | None, fault: type[ServiceException]) -> list[dict[str, Any]]:
    if name is None:
        return list(groups.values())
    if name not in groups:
        raise fault(f"{name} not found.")
    return [groups[name]]


def _told(group: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "parameters"}


def _arn(response: ElastiCacheResponse, kind: str, name: str) -> str:
    backend = response.elasticache_backend
    return f"arn:aws:elasticache:{backend.region_name}:{backend.account_id}:{kind}:{name}"
