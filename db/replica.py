"""A read replica of the shared database, for the queries of companies whose writes it has replayed."""

import asyncio
import time
from contextlib import suppress
from types import TracebackType
from typing import Self
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.listener import Listener

log = structlog.get_logger(__name__)

CHANNEL = "seshat_position"
"""Channel on which every process tells where a company's last write is in the write-ahead log."""

POLL_SECONDS, MAX_AGE_SECONDS = 0.2, 1.0
"""Time between two looks at what is replayed, and after which the last one is too old to rely on."""

WRITTEN = text("SELECT CAST(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bigint)")
REPLAYED = text("SELECT CAST(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') AS bigint)")
TELL = text("SELECT pg_notify(:channel, :message)")


class Replica:
    """Says for which companies the replica is current. Without notifications it is for none.

    A write is known to its own process before it is acknowledged, and to others as soon as they are notified.
    """

    def __init__(self, engine: AsyncEngine, primary: AsyncEngine) -> None:
        self.engine, self._primary = engine, primary
        self._positions: dict[UUID, int] = {}
        self._floor: int | None = None
        """What must be replayed at least: writes before were not heard of."""
        self._replayed, self._seen_at = -1, 0.0
        self._listener: Listener | None = None
        self._task: asyncio.Task[None] | None = None

    def is_current(self, company_id: UUID) -> bool:
        """Whether the replica has all that the company has written."""
        if self._listener is None or not self._listener.is_listening or self._floor is None:
            return False
        if time.monotonic() - self._seen_at > MAX_AGE_SECONDS:
            return False
        return self._replayed >= max(self._floor, self._positions.get(company_id, 0))

    async def note_write(self, company_id: UUID) -> None:
        """Tells all processes that the company has written, after the commit."""
        try:
            async with self._primary.connect() as connection:
                position: int = (await connection.execute(WRITTEN)).scalar_one()
                self._positions[company_id] = position
                await connection.execute(TELL, {"channel": CHANNEL, "message": f"{company_id} {position}"})
                await connection.commit()
        except Exception as error:
            log.warning("write_position_unknown", error=error)
            self._floor = None

    def watch(self, listener: Listener) -> "Self":
        """Follows the replica within `async with`."""
        self._listener = listener
        return self

    async def __aenter__(self) -> Self:
        assert self._listener is not None
        await self._listener.add(CHANNEL, self._on_notification, self._on_reconnect)
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listener is not None
        assert self._task is not None
        self._listener.remove(CHANNEL, self._on_notification)
        self._listener = None
        self._task.cancel()
        await asyncio.wait({self._task})

    def _on_notification(self, message: str) -> None:
        company, _, position = message.partition(" ")
        company_id = UUID(company)
        self._positions[company_id] = max(int(position), self._positions.get(company_id, 0))

    def _on_reconnect(self) -> None:
        self._floor = None

    async def _follow(self) -> None:
        while True:
            with suppress(Exception):  # what cannot be read is too old soon
                await self._look()
            await asyncio.sleep(POLL_SECONDS)

    async def _look(self) -> None:
        if self._floor is None:
            async with self._primary.connect() as connection:
                self._floor = (await connection.execute(WRITTEN)).scalar_one()
        begin = time.monotonic()
        async with self.engine.connect() as connection:
            replayed: int | None = (await connection.execute(REPLAYED)).scalar_one()
        if replayed is None:
            return  # the server is no replica
        self._replayed, self._seen_at = replayed, begin
        self._positions = {id: at for id, at in self._positions.items() if at > replayed}
