"""Starts each peer on the servers of a world, as the owner of the tables: row-level security costs them nothing."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from bench.peers.installing import BENCH, node_peers, python_peers
from bench.peers.process import PeerProcess
from bench.world import MAIN, World
from local.servers.postgres import SUPERUSER


def start_bullmq(world: World) -> PeerProcess:
    """BullMQ with `pg`. Raises PeerMissing."""
    node, modules = node_peers()
    servers = [str(world.redis_server.socket), str(world.postgres.socket.parent), str(world.postgres.port)]
    command: list[str | Path] = [node, BENCH / "node" / "bullmq.cjs", *servers, SUPERUSER, MAIN]
    return PeerProcess(command, {"NODE_PATH": str(modules), "NODE_ENV": "production"}, world.scratch / "bullmq.log")


def start_celery(world: World) -> PeerProcess:
    """Celery with SQLAlchemy. Raises PeerMissing."""
    return _start_python(world, "celery")


def start_rq(world: World) -> PeerProcess:
    """RQ with SQLAlchemy. Raises PeerMissing."""
    return _start_python(world, "rq")


def _start_python(world: World, name: str) -> PeerProcess:
    folder, port = quote(str(world.postgres.socket.parent)), world.postgres.port
    log = world.scratch / f"{name}.log"
    environment = {
        "PEER_DATABASE_URL": f"postgresql+psycopg://{SUPERUSER}@/{MAIN}?host={folder}&port={port}",
        "PEER_REDIS_SOCKET": str(world.redis_server.socket),
        "PEER_LOG": str(log),
    }
    return PeerProcess([python_peers(), BENCH / "python" / f"{name}_peer.py"], environment, log)
