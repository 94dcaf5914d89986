"""Connections that carry their unit's scope, and which engine serves a company."""

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
"""Connections for statements beside an open transaction."""


class ScopedConnection(asyncpg.Connection):
    """BEGIN and the caller's scope go out as one message: context costs no round trip.

    It dies with the transaction. Without a bound scope BEGIN clears it, so that tenant tables raise.
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
    """An engine over scoped connections. No ping on checkout: a unit retries its first statement instead."""
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
    """Which engine serves which company: today one database holds both planes and every company."""

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
        """The engine of the primary plane."""
        return self._pooled

    def of(self, company_id: UUID) -> AsyncEngine:
        """The engine of the database in which this company lives."""
        return self._pooled

    def secondary(self, company_id: UUID) -> AsyncEngine:
        """A few more connections to the company's database, each for one statement at a time.

        For who holds a connection already: were the second one of the same pool, many who wait for theirs
        would wait for one another.
        """
        return self._secondary

    @property
    def engines(self) -> Sequence[AsyncEngine]:
        """Every open engine."""
        return (self._pooled, self._secondary)

    async def close(self) -> None:
        """Close every connection."""
        for engine in self.engines:
            await engine.dispose()
