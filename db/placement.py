"""Where companies are: the directory, and the engines of the shared database and of companies' own."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import UUID

import asyncpg
from sqlalchemy import select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from core.settings import Settings
from core.settings.placement import PRIMARY, DatabaseServer
from db.connection_limits import ConnectionLimit
from db.engines import connect, make_engine
from db.models import Company
from db.ready_connections import connections_in_use
from db.replica import Replica
from db.revisions import require_latest_of
from db.uow import Scope, UnitOfWork, finish_anyway

CHANNEL = "seshat_placement"
"""Channel on which a trigger notifies of companies that are placed elsewhere."""

KEEP_SECONDS, KEEP_UNNOTIFIED_SECONDS = 60.0, 1.0
"""Time for which a place is kept, while the process is notified of changes and while it is not."""

SECONDARY_POOL_SIZE = 4
"""Connections for single statements of callers that hold another connection."""

DEDICATED_POOL_SIZE, DEDICATED_OVERFLOW = 2, 2
"""Connections of a process to the database of one company."""

MAX_CONNECTIONS = 50
"""Connections of a process to companies' own databases on the primary server."""

LOCATE = select(Company.database_server, Company.database_name)


class Place(NamedTuple):
    """A database: the name of its server in `DATABASE_SERVERS`, and its own."""

    server: str
    database: str


def place_of(row: Any) -> Place | None:
    """The place in the columns of a company's row."""
    server, name = row.database_server, row.database_name
    return None if server is None or name is None else Place(server, name)


async def connect_migrated(*arguments: Any, **options: Any) -> asyncpg.Connection:
    """A connection to a company's own database. Raises `NotMigrated` if that is behind."""
    connection = await connect(*arguments, **options)
    try:
        await require_latest_of(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


class KeptPlace(NamedTuple):
    """A place as last read, None for the shared database, and the time until which it may be used."""

    place: Place | None
    until: float


class Placement:
    """Engines by company: that of the shared database, or of the company's own.

    Within `async with placement.watch(listener)`, places are kept until a notification.
    """

    def __init__(self, settings: Settings, url: str, *, application: str = "seshat") -> None:
        self._shared: dict[str, Any] = {
            "wait": settings.db_pool_timeout,
            "application": application,
            "prepared": settings.prepared_statements,
        }
        self._pooled = make_engine(
            url, size=settings.db_pool_size, overflow=settings.db_max_overflow, **self._shared
        )
        self._secondary = make_engine(url, size=SECONDARY_POOL_SIZE, overflow=0, **self._shared)
        self.replica: Replica | None = None
        if settings.database_read_url is not None:
            engine = make_engine(
                settings.database_read_url,
                size=settings.db_pool_size,
                overflow=settings.db_max_overflow,
                **self._shared,
            )
            self.replica = Replica(engine, self._secondary)
        self._servers: dict[str, DatabaseServer | None] = {PRIMARY: None, **settings.database_servers}
        self._connections = {
            name: ConnectionLimit(
                server.max_connections if server else MAX_CONNECTIONS,
                settings.db_pool_timeout,
                self._make_room,
            )
            for name, server in self._servers.items()
        }
        self._dedicated: dict[Place, AsyncEngine] = {}
        self._max_dedicated = settings.db_dedicated_engines
        self._known: dict[UUID, KeptPlace] = {}
        self.changes = 0
        """Counts what was forgotten."""
        self._listener: Any = None
        self._listen_url = make_url(settings.database_listen_url or url)
        self.on_move: list[Callable[[UUID], None]] = []
        """Called with the ID of a company that may have moved."""

    @property
    def primary(self) -> AsyncEngine:
        """The engine of the platform plane."""
        return self._pooled

    @property
    def listen_url(self) -> URL:
        """The address of connections that listen in the primary database."""
        return self._listen_url

    @property
    def engines(self) -> Sequence[AsyncEngine]:
        """All engines."""
        replica = [self.replica.engine] if self.replica else []
        return (self._pooled, self._secondary, *replica, *self._dedicated.values())

    def url(self, place: Place) -> URL:
        """The address of a company's own database."""
        server = self._servers[place.server]
        url = self._pooled.url if server is None else make_url(server.url.get_secret_value())
        return url.set(drivername=self._pooled.url.drivername, database=place.database)

    def listen_url_of(self, place: Place) -> URL:
        """The address of connections that listen in a company's own database."""
        server = self._servers[place.server]
        url = (
            self._listen_url
            if server is None
            else make_url((server.listen_url or server.url).get_secret_value())
        )
        return url.set(database=place.database)

    def is_pooled(self, company_id: UUID | None) -> bool:
        """Whether the company is known to be in the shared database, without I/O."""
        if company_id is None:
            return True
        known = self._known.get(company_id)
        return known is not None and known.place is None and known.until > time.monotonic()

    async def locate(self, company_id: UUID) -> Place | None:
        """The place of a company; None for the shared database."""
        kept = self._known.get(company_id)
        if kept is not None and kept.until > time.monotonic():
            return kept.place
        changes, looked_up_at = self.changes, time.monotonic()
        unit = UnitOfWork(self._pooled, Scope(kind="platform"), read_only=True)
        try:
            row = await unit.first(LOCATE.where(Company.id == company_id))
        finally:
            await unit.finish(commit=False)
        if row is None:
            return None  # it is being created, or deleted
        place = place_of(row)
        self.remember(company_id, place, changes, looked_up_at=looked_up_at)
        return place

    def remember(
        self,
        company_id: UUID,
        place: Place | None,
        changes: int | None = None,
        *,
        looked_up_at: float | None = None,
        is_new: bool = False,
    ) -> None:
        """Keeps the place of a company, unless there were more than these `changes` when it was read.

        It is kept from the time at which the look-up began: what a slow one read may have changed meanwhile.
        The place of a new one, which nobody else can change yet, is kept also while nobody notifies.
        """
        if changes not in (None, self.changes):
            return
        is_notified = self._listener is not None and self._listener.is_listening
        seconds = KEEP_SECONDS if is_notified or is_new else KEEP_UNNOTIFIED_SECONDS
        since = time.monotonic() if looked_up_at is None else looked_up_at
        self._known[company_id] = KeptPlace(place, since + seconds)

    def forget(self, company_id: UUID | None = None) -> None:
        """Looks a company up again, or all."""
        self.changes += 1
        companies = list(self._known) if company_id is None else [company_id]
        for company in companies:
            self._known.pop(company, None)
            for moved in self.on_move:
                moved(company)

    def engine_of(self, place: Place) -> AsyncEngine:
        """The engine of a company's own database, as the one that was used last. Opens no connection."""
        engine = self._dedicated.pop(place, None)
        if engine is None:
            engine = make_engine(
                self.url(place).render_as_string(hide_password=False),
                size=DEDICATED_POOL_SIZE,
                overflow=DEDICATED_OVERFLOW,
                opener=self._connections[place.server].apply(connect_migrated),
                **self._shared,
            )
        self._dedicated[place] = engine
        return engine

    async def open(self, place: Place) -> AsyncEngine:
        """Closes engines beyond `DB_DEDICATED_ENGINES`, and returns that of a company's own database."""
        await self.close_unused()
        return self.engine_of(place)

    async def close_unused(self, limit: int | None = None) -> None:
        """Closes idle engines that were used least recently, beyond `DB_DEDICATED_ENGINES` or a limit."""
        limit = self._max_dedicated if limit is None else limit
        for place, engine in list(self._dedicated.items()):
            if len(self._dedicated) <= limit:
                return
            if not connections_in_use(engine) and self._dedicated.get(place) is engine:
                del self._dedicated[place]
                await finish_anyway(engine.dispose())

    @property
    def secondary(self) -> AsyncEngine:
        """A small second pool to the shared database, for callers that hold a connection already.

        With one pool, callers that each hold a connection and wait for another could deadlock.
        """
        return self._secondary

    async def _make_room(self) -> None:
        await self.close_unused(limit=0)

    def connections(self) -> dict[str, int]:
        """Open connections to companies' own databases, by server."""
        return {name: limit.open for name, limit in self._connections.items()}

    def watch(self, listener: Any) -> "Watch":
        """Keeps places for as long as the listener is notified of changes, within `async with`."""
        return Watch(self, listener)

    async def close(self) -> None:
        """Closes all connections."""
        for engine in self.engines:
            await engine.dispose()
        self._dedicated.clear()


class Watch:
    """Notifications of changes of placement."""

    def __init__(self, placement: Placement, listener: Any) -> None:
        self._placement, self._listener = placement, listener

    async def __aenter__(self) -> Self:
        await self._listener.add(CHANNEL, self._on_notification, self._placement.forget)
        self._placement._listener = self._listener
        if self._placement.replica is not None:
            await self._placement.replica.watch(self._listener).__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._placement.replica is not None:
            await self._placement.replica.__aexit__(kind, error, trace)
        self._placement._listener = None
        self._listener.remove(CHANNEL, self._on_notification)
        self._placement.forget()

    def _on_notification(self, company_id: str) -> None:
        self._placement.forget(UUID(company_id))
