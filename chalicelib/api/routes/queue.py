"""The queue at a glance, and its pause: for the own tenant. All tenants at once are for operators, not for HTTP."""

from __future__ import annotations

from chalicelib.api.models.queue import QueueTold
from chalicelib.api.operations import Call, Operations, Reply
from chalicelib.domain.attendance import OFFICE_ROLES, Role
from chalicelib.errors import Unavailable
from chalicelib.services.control import QueueView

operations = Operations("Queue")

_ADMIN = frozenset({Role.ADMIN})


@operations.add(
    "How many jobs wait, and whether they are worked on", roles=OFFICE_ROLES, answer=QueueTold,
    raises=(Unavailable,),
)  # fmt: skip
def get_queue(call: Call) -> Reply:
    """The own tenant's figures, at this moment."""
    return _told(call.container.control.look(call.actor.tenant))


@operations.add("Let the tenant's jobs wait", roles=_ADMIN, answer=QueueTold, raises=(Unavailable,))
def pause_queue(call: Call) -> Reply:
    """Marks are accepted as ever, and written after the resume; what is being written is finished."""
    return _told(call.container.control.pause(call.actor.tenant, by=call.actor.subject))


@operations.add("Work on the tenant's jobs again", roles=_ADMIN, answer=QueueTold, raises=(Unavailable,))
def resume_queue(call: Call) -> Reply:
    """At once. Should operators have paused all tenants, `paused` stays true."""
    return _told(call.container.control.resume(call.actor.tenant, by=call.actor.subject))


def _told(view: QueueView) -> Reply:
    return Reply(QueueTold.model_validate(view))
