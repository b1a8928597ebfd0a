"""What a WebSocket says and is answered: connect with a ticket, follow jobs, hear how they stand, leave."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.errors import Forbidden, RollcallError, Unauthenticated
from chalicelib.queue import JobQueue
from chalicelib.realtime.connections import Connections
from chalicelib.realtime.messages import ClientMessage, answer, error_event, job_event, read_message
from chalicelib.realtime.posting import Poster
from chalicelib.realtime.publisher import LAST
from chalicelib.services.actor import Actor
from chalicelib.services.events import Events
from chalicelib.services.jobs import JobReporter, JobView, view_of
from chalicelib.services.tickets import Tickets

SHOWN_OF_QUEUE = 25
"""Who follows the queue is told its newest jobs first."""

log = logging.getLogger(__name__)


class Sessions:
    """Answers the handlers of the WebSocket API. API Gateway hands back no body, so every answer is a post."""

    def __init__(
        self,
        tickets: Tickets,
        connections: Connections,
        jobs: JobReporter,
        queue: JobQueue,
        poster: Poster,
        events: Events,
    ) -> None:
        self._tickets, self._connections, self._jobs = tickets, connections, jobs
        self._queue, self._poster, self._events = queue, poster, events

    def connect(self, connection: str, query: Mapping[str, str] | None) -> dict[str, Any]:
        """The answer to $connect: 200 opens the connection, anything from 400 on refuses it."""
        try:
            ticket = (query or {}).get("ticket", "")
            self._connections.open(connection, self._tickets.redeem(ticket))
        except RollcallError as error:
            return {"statusCode": error.status}
        return {"statusCode": 200}

    def receive(self, connection: str, body: str) -> None:
        """Do what a message asks; what is wrong with it is answered by an error event."""
        message = None
        try:
            actor = self._actor(connection)
            message = read_message(body)
            self._do(connection, actor, message)
        except RollcallError as error:
            self._say(connection, error_event(error, message))
        except Exception:
            log.exception("a message of a live connection failed")
            self._say(connection, error_event(RollcallError(), message))

    def disconnect(self, connection: str) -> None:
        """The connection is gone."""
        try:
            self._connections.close(connection)
        except RollcallError as error:
            log.warning("a connection that ended stays known until it expires: %s", error)

    def _actor(self, connection: str) -> Actor:
        actor = self._connections.actor(connection)
        if actor is None:
            raise Unauthenticated("This connection is not known any more; open another one with a new ticket.")
        return actor

    def _do(self, connection: str, actor: Actor, message: ClientMessage) -> None:
        if message.action == "subscribe":
            if message.jobId is not None:
                self._follow_job(connection, actor, message, message.jobId)
            else:
                self._follow_queue(connection, actor, message)
            return
        if message.action == "unsubscribe":
            self._connections.unfollow(connection, self._topic(actor, message.jobId))
        self._say(connection, answer(message))

    def _follow_job(self, connection: str, actor: Actor, message: ClientMessage, job_id: str) -> None:
        self._jobs.find(actor, job_id)  # raises for who may not see it
        topic = self._topic(actor, job_id)
        self._connections.follow(connection, topic)
        self._connections.watch({job_id: actor.tenant})
        self._say(connection, answer(message))
        view = self._jobs.find(actor, job_id)
        self._show(connection, actor, [view])
        if view.state in LAST:
            self._connections.unfollow(connection, topic)

    def _follow_queue(self, connection: str, actor: Actor, message: ClientMessage) -> None:
        if not actor.is_office:
            raise Forbidden("The jobs of all are shown to the office.")
        self._connections.follow(connection, self._topic(actor, None))
        self._say(connection, answer(message))
        jobs = self._queue.list(actor.tenant, state=None, before=None, limit=SHOWN_OF_QUEUE)
        self._show(connection, actor, [view_of(job) for job in reversed(jobs)])

    def _show(self, connection: str, actor: Actor, views: Sequence[JobView]) -> None:
        """Tell the present state of jobs; it counts as their telling of this second."""
        self._connections.take_turns([(actor.tenant, view.id, connection) for view in views])
        self._say(connection, *(job_event(view) for view in views))
        # A job may have moved meanwhile, and the event of that have come before our old news: so it is told again.
        now = [(view, self._queue.get(view.id, tenant=actor.tenant)) for view in views if view.state not in LAST]
        moved = [job for view, job in now if job is not None and view_of(job) != view]
        # An ended job has no followers any more who could be told by an event.
        self._say(connection, *(job_event(view_of(job)) for job in moved if job.state in LAST))
        going_on = [job for job in moved if job.state not in LAST]
        if going_on:
            self._events.changed(going_on)
            self._events.settle()

    def _topic(self, actor: Actor, job_id: str | None) -> str:
        if job_id is None:
            return self._connections.queue_topic(actor.tenant)
        return self._connections.job_topic(actor.tenant, job_id)

    def _say(self, connection: str, *texts: str) -> None:
        """One after the other, since a client may trust their order."""
        for text in texts:
            if self._poster.post([(connection, text)]).gone:
                self.disconnect(connection)
                return
