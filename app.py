"""The front door: the Chalice app, its routes and Lambda entry points. Nothing but wiring.

What one kind of event needs and another does not is imported when it comes: all of it at once would double every start.
"""

from __future__ import annotations

import gc
from functools import cache
from typing import TYPE_CHECKING, Any

from chalice.app import Chalice, CloudWatchEvent, Rate, WebsocketEvent

from chalicelib.api.doors import open_doors
from chalicelib.config import Settings, on_lambda
from chalicelib.container import Container
from chalicelib.services.events import Events
from chalicelib.watch.invocation import watched
from chalicelib.watch.logs import log_as_json

if TYPE_CHECKING:
    from chalicelib.api.authentication import Authenticator
    from chalicelib.api.router import Router
    from chalicelib.realtime import Sessions

if on_lambda():
    log_as_json()

app = Chalice(app_name="rollcall", configure_logs=False)
app.experimental_feature_flags.update(["WEBSOCKETS"])  # Chalice wants this said, and has kept them so since 2019


@cache
def container() -> Container:
    """What this Lambda environment keeps between requests, made at the first one."""
    gc.freeze()  # what was loaded stays: the collector need not walk it while a request is read
    return Container(Settings.from_environment(), _live_events)


def _live_events(container: Container) -> Events:
    from chalicelib.realtime import live_events

    return live_events(container)


@cache
def authenticator() -> Authenticator:
    """Knows whose tokens are believed."""
    from chalicelib.api.authentication import Authenticator

    return Authenticator(container().settings.tokens)


@cache
def router() -> Router:
    """Answers requests."""
    from chalicelib.api.router import Router

    return Router(container, authenticator)


@cache
def sessions() -> Sessions:
    """Answers WebSockets."""
    from chalicelib.realtime import make_sessions

    return make_sessions(container())


open_doors(app, router)

for kind in ("pure_lambda", "scheduled", "websocket"):
    app.register_middleware(watched, kind)


@app.lambda_function(name="drain")
def drain(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The drain that a producer rings, for the shard of the queue that it names."""
    return container().drain.run(context.get_remaining_time_in_millis, shard=event.get("shard")).to_json()


@app.schedule(Rate(1, unit=Rate.MINUTES), name="drain_schedule")
def drain_schedule(event: CloudWatchEvent) -> dict[str, Any]:
    """The drain of every minute: the net below the doorbell, and what wakes retries that fall due."""
    context: Any = event.context
    return container().drain.run(context.get_remaining_time_in_millis).to_json()


@app.schedule(Rate(1, unit=Rate.DAYS), name="maintain")
def maintain(event: CloudWatchEvent) -> dict[str, Any]:  # noqa: ARG001 - the clock says what is due
    """The daily round: what the database must have ready for the days that come."""
    return container().maintenance.run().to_json()


@app.lambda_function(name="migrate")
def migrate(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - there is one way to go: up
    """Invoked by a deployment: bring the database to the schema that this code knows."""
    return container().migrator.run().to_json()


@app.lambda_function(name="import")
def import_roster(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - a bundle has minutes
    """Invoked with a tenant, a bucket and a key: import the OneRoster bundle that lies there."""
    return container().uploads.run(event)


@app.on_ws_connect()
def websocket_connect(event: WebsocketEvent) -> dict[str, Any]:
    """A WebSocket is to be opened, with a ticket."""
    return sessions().connect(event.connection_id, event.to_dict().get("queryStringParameters"))


@app.on_ws_message()
def websocket_message(event: WebsocketEvent) -> None:
    """A client says what it wants to follow."""
    sessions().receive(event.connection_id, event.body)


@app.on_ws_disconnect()
def websocket_disconnect(event: WebsocketEvent) -> None:
    """A WebSocket was closed, by whomever."""
    sessions().disconnect(event.connection_id)
