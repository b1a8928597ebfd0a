"""How this room is built from the container: what app.py and the local consumer call."""

from __future__ import annotations

from chalicelib.container import Container
from chalicelib.realtime.connections import Connections
from chalicelib.realtime.posting import ApiGatewayPoster, NoPoster, Poster
from chalicelib.realtime.publisher import Publisher
from chalicelib.realtime.sessions import Sessions
from chalicelib.services.events import Events, NoEvents


def live_events(container: Container) -> Events:
    """What the container tells of moved jobs; nobody where WEBSOCKET_ENDPOINT is not set."""
    if container.settings.websocket_endpoint is None:
        return NoEvents()
    return Publisher(_connections(container), container.queue, _poster(container))


def make_sessions(container: Container) -> Sessions:
    """What answers the WebSocket's handlers."""
    return Sessions(
        container.tickets,
        _connections(container),
        container.jobs,
        container.queue,
        _poster(container),
        container.events,
    )


def _connections(container: Container) -> Connections:
    return Connections(container.redis, container.settings.queue_name)


def _poster(container: Container) -> Poster:
    endpoint = container.settings.websocket_endpoint
    return ApiGatewayPoster(endpoint) if endpoint is not None else NoPoster()
