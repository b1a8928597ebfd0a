"""ElastiCache makes the nodes of a replication group, and lets go of what is deleted; moto does neither.

Terraform reads the first node of a group, and waits until what it deletes is not to be found.
"""

from __future__ import annotations

import inspect
from functools import wraps
from typing import Any

from moto.core.responses import EmptyResult
from moto.elasticache.models import ElastiCacheBackend
from moto.elasticache.responses import ElastiCacheResponse


def mend() -> None:
    """Make nodes with their group, and delete groups, nodes and subnet groups."""
    create_group = ElastiCacheBackend.create_replication_group
    delete_group = ElastiCacheBackend.delete_replication_group
    delete_node = ElastiCacheBackend.delete_cache_cluster

    @wraps(create_group)
    def create_replication_group(self: ElastiCacheBackend, **asked: Any) -> Any:
        if asked.get("num_cache_clusters") and not asked.get("replicas_per_node_group"):
            asked["replicas_per_node_group"] = asked["num_cache_clusters"] - 1  # moto counts only these
        group = create_group(self, **asked)
        for member in group.member_clusters:
            if member not in self.cache_clusters:
                self.create_cache_cluster(**_node(member, group.replication_group_id, asked))
        return group

    @wraps(delete_group)
    def delete_replication_group(self: ElastiCacheBackend, *asked: Any, **named: Any) -> Any:
        group = delete_group(self, *asked, **named)
        for member in group.member_clusters:
            self.cache_clusters.pop(member, None)
        self.replication_groups.pop(group.replication_group_id, None)
        return group

    @wraps(delete_node)
    def delete_cache_cluster(self: ElastiCacheBackend, cache_cluster_id: str, *more: Any, **named: Any) -> Any:
        node = delete_node(self, cache_cluster_id, *more, **named)
        self.cache_clusters.pop(cache_cluster_id, None)
        return node

    def delete_cache_subnet_group(self: ElastiCacheResponse) -> EmptyResult:
        self.elasticache_backend.cache_subnet_groups.pop(self._get_param("CacheSubnetGroupName"), None)
        return EmptyResult()

    backend: Any = ElastiCacheBackend
    backend.create_replication_group = create_replication_group
    backend.delete_replication_group = delete_replication_group
    backend.delete_cache_cluster = delete_cache_cluster
    answers: Any = ElastiCacheResponse
    answers.delete_cache_subnet_group = delete_cache_subnet_group


def _node(name: str, group: str, asked: dict[str, Any]) -> dict[str, Any]:
    version = asked.get("engine_version") or "7.1"
    known = [one for one in inspect.signature(ElastiCacheBackend.create_cache_cluster).parameters if one != "self"]
    return {
        **{one: asked.get(one) for one in known},
        "cache_cluster_id": name,
        "replication_group_id": group,
        "engine": asked.get("engine") or "redis",
        "engine_version": version if version.count(".") > 1 else f"{version}.0",
        "num_cache_nodes": 1,
    }
