"""Database engines, and connections that set the scope of their transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.settings import Settings

NO_SCOPE = (
    " SELECT set_config('app.company_id','',true),set_config('app.user_id','',true),"
    "set_config('app.scope','',true);"
)

SECONDARY_POOL_SIZE = 4
"""Connections for single statements of callers that hold another connection."""


class ScopedConnection(asyncpg.Connection):
    """Sends the scope with BEGIN as one message, which saves a round trip.

    The scope ends with the transaction. Without a scope BEGIN clears it: queries of tenant tables fail.
    """

    scope_sql = NO_SCOPE

    async def execute(  # asyncpg's signature
        self,
        query: str,
        *args: Any,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> str:
        if not args and query.startswith("BEGIN"):
            query += self.scope_sql
        return await super().execute(query, *args, timeout=timeout)


def make_engine(url: str, *, size: int, overflow: int, wait: float, application: str) -> AsyncEngine:
    """An engine of scoped connections. Without pre-ping: units of work retry their first statement."""
    engine = create_async_engine(
        url,
        pool_size=size,
        max_overflow=overflow,
        pool_timeout=wait,
        pool_recycle=1800,
        pool_use_lifo=True,
        pool_pre_ping=False,
        connect_args={
            "connection_class": ScopedConnection,
            "timeout": 5,
            "server_settings": {"application_name": application},
        },
    )

    @event.listens_for(engine.sync_engine, "checkin")
    def reset_scope(connection: Any, record: Any) -> None:
        if connection is not None:
            connection.driver_connection.scope_sql = NO_SCOPE

    return engine


class Placement:
    """Engines by company. Currently, one database holds both planes of all companies."""

    def __init__(self, settings: Settings, url: str, *, application: str = "seshat") -> None:
        self._pooled = make_engine(
            url,
            size=settings.db_pool_size,
            overflow=settings.db_max_overflow,
            wait=settings.db_pool_timeout,
            application=application,
        )
        self._secondary = make_engine(
            url, size=SECONDARY_POOL_SIZE, overflow=0, wait=settings.db_pool_timeout, application=application
        )

    @property
    def primary(self) -> AsyncEngine:
        """The engine of the platform plane."""
        return self._pooled

    def of(self, company_id: UUID) -> AsyncEngine:
        """The engine of the company's database."""
        return self._pooled

    def secondary(self, company_id: UUID) -> AsyncEngine:
        """A small second pool to the company's database, for callers that hold a connection already.

        With one pool, callers that each hold a connection and wait for another could deadlock.
        """
        return self._secondary

    @property
    def engines(self) -> Sequence[AsyncEngine]:
        """All engines."""
        return (self._pooled, self._secondary)

    async def close(self) -> None:
        """Closes all connections."""
        for engine in self.engines:
            await engine.dispose()
