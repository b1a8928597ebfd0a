"""Where the queue lives: on the one server there is, or in a cluster on the primary of its slot."""

from __future__ import annotations

from redis import Redis, RedisCluster
from redis.crc import key_slot
from redis.exceptions import MovedError


class Home:
    """A plain client of the server that holds `key`, and with it all keys of the queue: they share one slot.

    Pipelines of scripts, BLMOVE and WAIT mean one server and one connection, so a cluster's client is only asked for
    the way to it, and asked again when the slot has moved.
    """

    def __init__(self, redis: Redis | RedisCluster, key: str) -> None:
        self._redis, self._key = redis, key
        self.client = self._find()

    @property
    def in_cluster(self) -> bool:
        """Whether another server may take the slot over."""
        return isinstance(self._redis, RedisCluster)

    def follow(self, moved: MovedError) -> None:
        """Goes where a server of the cluster sent us; the others may not have heard of the move yet."""
        if isinstance(self._redis, RedisCluster):
            self._redis.nodes_manager.move_slot(moved)
            self.client = self._find()

    def look_again(self) -> None:
        """Finds the way anew: a failover leads an address to another server, or the slot to another address."""
        if isinstance(self._redis, RedisCluster):
            self._redis.nodes_manager.initialize()
        else:
            self._redis.connection_pool.disconnect(inuse_connections=False)
        self.client = self._find()

    def _find(self) -> Redis:
        if not isinstance(self._redis, RedisCluster):
            return self._redis
        manager = self._redis.nodes_manager
        return self._redis.get_redis_connection(manager.get_node_from_slot(key_slot(self._key.encode())))
