"""What an operator does with jobs and the queue: for one tenant, called by its name, or for all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from chalicelib.container import Container
from chalicelib.domain.attendance import Role
from chalicelib.domain.job_state import JobState
from chalicelib.errors import Conflict, NotFound
from chalicelib.queue import Load, ShardCounts
from chalicelib.services.actor import Actor
from chalicelib.services.control import QueueView
from chalicelib.services.jobs import JobView, view_of
from local.faults import StackFault
from local.tenants import find_tenant, tenant_names

ME = "operator"
_PAGE = 200

Found = list[tuple[str, JobView]]
"""Jobs, each with its tenant's id."""


class Operator:
    """Acts through the app's services. Tenants are named, None stands for all. Raises StackFault, RollcallError."""

    def __init__(self, container: Container) -> None:
        self._container, self._queue = container, container.queue

    def names(self, tenants: Collection[str]) -> dict[str, str]:
        """The names of tenants by their ids, as far as they are known."""
        return tenant_names(self._container, tenants)

    def jobs(self, tenant: str | None, state: JobState | None, limit: int) -> Found:
        """Jobs of Redis and of the ledger, newest first, one more than `limit` if there are more.

        Of all tenants those are asked that have unfinished or dead jobs, or are paused.
        """
        found: Found = []
        for whose in self._tenants(tenant):
            views, _ = self._container.jobs.list(_actor(whose), state=state, before=None, limit=limit + 1)
            found += [(whose, view) for view in views]
        return _newest(found, limit)

    def dead(self, tenant: str | None, limit: int) -> Found:
        """Dead jobs that Redis still has, as `jobs` gives them; Postgres may be away."""
        found: Found = []
        for whose in self._tenants(tenant):
            jobs = self._queue.list(whose, state=JobState.FAILED, before=None, limit=limit + 1)
            found += [(whose, view_of(job)) for job in jobs]
        return _newest(found, limit)

    def find(self, job_id: str, tenant: str | None) -> tuple[str, JobView]:
        """A job and its tenant's id. What Redis has forgotten is found if `tenant` is given. Raises StackFault."""
        whose = self._whose(job_id) if tenant is None else find_tenant(self._container, tenant)
        try:
            return whose, self._container.jobs.find(_actor(whose), job_id)
        except NotFound:
            raise StackFault(f"The tenant {tenant!r} has no job {job_id}.") from None

    def cancel(self, job_id: str) -> JobView:
        """Cancel a job that waits. Raises StackFault if Redis does not know it, Conflict if it does not wait."""
        return self._container.jobs.cancel(_actor(self._whose(job_id)), job_id)

    def retry(self, job_id: str) -> JobView:
        """Send a dead job again. Raises StackFault if Redis does not know it, Conflict if it is not dead."""
        return self._container.jobs.retry(_actor(self._whose(job_id)), job_id)

    def retry_all(self, tenant: str) -> int:
        """Send all dead jobs of a tenant again; how many that were."""
        whose = find_tenant(self._container, tenant)
        return sum(self._sent_again(whose, job_id) for job_id in self._dead_ids(whose))

    def pause(self, tenant: str | None) -> None:
        """Let jobs wait."""
        self._container.control.pause(self._key(tenant), by=ME)

    def resume(self, tenant: str | None) -> None:
        """Work on them again."""
        self._container.control.resume(self._key(tenant), by=ME)

    def loads(self, tenant: str | None) -> dict[str, Load]:
        """The figures by tenant's id; those of all, if all are meant, come first and are called `all`."""
        if tenant is not None:
            key = find_tenant(self._container, tenant)
            return {key: self._queue.figures(key).all}
        figures = self._queue.figures(None)
        return {"all": figures.all, **figures.by_tenant}

    def shards(self) -> Sequence[ShardCounts]:
        """The figures shard by shard."""
        return self._queue.shards()

    def view(self, tenant: str | None) -> QueueView:
        """The queue as GET /queue tells it."""
        return self._container.control.look(self._key(tenant))

    def _key(self, tenant: str | None) -> str | None:
        return None if tenant is None else find_tenant(self._container, tenant)

    def _tenants(self, tenant: str | None) -> list[str]:
        key = self._key(tenant)
        return [key] if key is not None else list(self._queue.figures(None).by_tenant)

    def _whose(self, job_id: str) -> str:
        job = self._queue.get(job_id)
        if job is None:
            raise StackFault(f"Redis knows no job {job_id}; `show` with --tenant asks the ledger.")
        return job.tenant

    def _dead_ids(self, tenant: str) -> Iterator[str]:
        before: str | None = None
        while jobs := self._queue.list(tenant, state=JobState.FAILED, before=before, limit=_PAGE):
            yield from (job.id for job in jobs)
            before = jobs[-1].id

    def _sent_again(self, tenant: str, job_id: str) -> bool:
        try:
            self._container.jobs.retry(_actor(tenant), job_id)
        except (Conflict, NotFound):  # somebody else did it, or it was forgotten meanwhile
            return False
        return True


def _actor(tenant: str) -> Actor:
    return Actor(ME, tenant, frozenset({Role.ADMIN}))


def _newest(found: Found, limit: int) -> Found:
    return sorted(found, key=lambda one: one[1].id, reverse=True)[: limit + 1]
