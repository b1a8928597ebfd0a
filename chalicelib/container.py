"""The one place that builds clients and services from Settings, each when first asked for.

Postgres and AWS clients are imported inside the properties that need them: accepting a mark and reporting a job from
Redis must start cold without SQLAlchemy and boto3.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from redis import Redis, RedisCluster

from chalicelib.access.building import Accesses
from chalicelib.access.redis_client import make_redis
from chalicelib.cache import Allowances, RosterCache
from chalicelib.config import Settings
from chalicelib.queue import JobQueue
from chalicelib.services.accept import Acceptor, utc_now
from chalicelib.services.control import QueueControl
from chalicelib.services.doorbell import Doorbell, LambdaDoorbell, SilentDoorbell
from chalicelib.services.events import Events, NoEvents
from chalicelib.services.jobs import JobReporter
from chalicelib.services.pulse import RedisPulse
from chalicelib.services.tickets import Tickets
from chalicelib.watch.metrics import Meter
from chalicelib.watch.traces import XRay

if TYPE_CHECKING:
    from chalicelib.db.queries.rosters import PostgresRosters
    from chalicelib.db.session import Database
    from chalicelib.services.drain import Drain
    from chalicelib.services.intake import Intake
    from chalicelib.services.maintain import Maintenance
    from chalicelib.services.migrate import Migrator
    from chalicelib.services.reading import PostgresMarks, Reader
    from chalicelib.services.roster_import import RosterImporter
    from chalicelib.services.settings import SettingsKeeper
    from chalicelib.services.uploads import Uploads


class Container:
    """Everything that a Lambda environment, or a laptop's process, keeps between requests."""

    def __init__(self, settings: Settings, make_events: Callable[[Container], Events] | None = None) -> None:
        """`make_events` builds what is told of moved jobs (`realtime.live_events`); by default, nobody is told."""
        self.settings = settings
        self._make_events = make_events
        self.now = utc_now
        self.access = Accesses(settings, utc_now)

    @cached_property
    def redis(self) -> Redis | RedisCluster:
        """The client of everything that is kept in Redis."""
        return make_redis(self.settings.redis_url, self.access.redis, cluster=self.settings.redis_cluster)

    @cached_property
    def meter(self) -> Meter:
        """Tells figures."""
        return Meter(self.settings.stage)

    @cached_property
    def queue(self) -> JobQueue:
        """The job queue."""
        settings = self.settings
        return JobQueue(
            self.redis,
            name=settings.queue_name,
            shards=settings.queue_shards,
            also=settings.queue_shards_also,
            min_replicas=settings.redis_min_replicas,
        )

    @cached_property
    def rosters(self) -> RosterCache:
        """Rules and registers."""
        return RosterCache(self.redis, lambda: self._postgres_rosters)

    @cached_property
    def allowances(self) -> Allowances:
        """How much each tenant and user may still ask."""
        return Allowances(self.redis, self.settings.rates)

    @cached_property
    def doorbell(self) -> Doorbell:
        """What wakes the drain."""
        function = self.settings.drain_function
        return LambdaDoorbell(function) if function else SilentDoorbell()

    @cached_property
    def acceptor(self) -> Acceptor:
        """Accepts marks."""
        return Acceptor(self.queue, self.rosters, lambda: self._postgres_marks, self.doorbell, self.now, self.meter)

    @cached_property
    def jobs(self) -> JobReporter:
        """Reports jobs."""
        return JobReporter(self.queue, lambda: self._postgres_marks, events=self.events, doorbell=self.doorbell)

    @cached_property
    def pulse(self) -> RedisPulse:
        """How the drain's work goes."""
        return RedisPulse(self.redis, self.settings.queue_name, self.ping_postgres)

    @cached_property
    def control(self) -> QueueControl:
        """Looks at the queue, pauses and resumes it."""
        return QueueControl(self.queue, self.pulse, self.doorbell)

    @cached_property
    def events(self) -> Events:
        """Tells those who follow jobs."""
        return self._make_events(self) if self._make_events is not None else NoEvents()

    @cached_property
    def tickets(self) -> Tickets:
        """Admits to the WebSocket."""
        return Tickets(self.redis, self.settings.queue_name, self.settings.websocket_url)

    @cached_property
    def database(self) -> Database:
        """The app's door to Postgres."""
        from chalicelib.db.engine import make_engine
        from chalicelib.db.session import Database

        url, pool = self.settings.database_url, self.settings.database_pool
        return Database(make_engine(url, pool_size=pool, access=self.access.database))

    @cached_property
    def reader(self) -> Reader:
        """Answers questions about marks, audit and roster."""
        from chalicelib.services.reading import Reader

        return Reader(self.database, self.rosters, self.now)

    @cached_property
    def settings_keeper(self) -> SettingsKeeper:
        """Reads and changes a tenant's settings."""
        from chalicelib.services.settings import SettingsKeeper

        return SettingsKeeper(self.database, self.rosters, self.now)

    @cached_property
    def drain(self) -> Drain:
        """Drains the queue into Postgres."""
        from chalicelib.db.writer import BatchWriter
        from chalicelib.services.drain import Drain
        from chalicelib.services.witness import DrainWitness

        witness = DrainWitness(self.queue, self.meter, XRay(self.settings.xray_daemon))
        return Drain(self.queue, BatchWriter(self.database), events=self.events, pulse=self.pulse, witness=witness)

    @cached_property
    def maintenance(self) -> Maintenance:
        """Looks after the database by the day."""
        from chalicelib.services.maintain import Maintenance

        return Maintenance(self.database, self.now)

    @cached_property
    def migrator(self) -> Migrator:
        """Brings the database to the newest schema. Raises BadSettings where its owner is not known."""
        from chalicelib.services.migrate import Migrator

        return Migrator(
            self.settings.owner_url(),
            self.settings.database_url,
            owner=self.access.owner,
            app=self.access.database,
            by_token=self.settings.database_iam,
        )

    @cached_property
    def importer(self) -> RosterImporter:
        """Imports rosters."""
        from chalicelib.services.roster_import import RosterImporter

        return RosterImporter(self.database)

    @cached_property
    def intake(self) -> Intake:
        """Imports rosters, and keeps the cache true."""
        from chalicelib.services.intake import Intake

        return Intake(self.importer, self.rosters, self.now)

    @cached_property
    def uploads(self) -> Uploads:
        """Imports rosters out of a bucket."""
        from chalicelib.services.uploads import Uploads

        return Uploads(self.intake)

    @cached_property
    def _postgres_rosters(self) -> PostgresRosters:
        from chalicelib.db.queries.rosters import PostgresRosters

        return PostgresRosters(self.database)

    @cached_property
    def _postgres_marks(self) -> PostgresMarks:
        from chalicelib.services.reading import PostgresMarks

        return PostgresMarks(self.database)

    def ping_postgres(self) -> None:
        """Raises Unavailable when Postgres is away."""
        self.database.ping()

    def close(self) -> None:
        """Let go of the connections that were made."""
        if "database" in self.__dict__:
            self.database.close()
        if "redis" in self.__dict__:
            self.redis.close()
