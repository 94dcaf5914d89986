"""A pooled connection in use: one transaction with a scope, for SQLAlchemy and for the driver."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.util.concurrency import greenlet_spawn

from db.engines import ScopedConnection
from db.errors import is_disconnect
from db.ready_connections import ReadyConnections, ready_connections


class Checkout:
    """A connection from its checkout until it goes back to the pool, or is closed.

    Statements on the driver cost a tenth of SQLAlchemy's. Both run in the same transaction.
    """

    def __init__(self, engine: AsyncEngine, pooled: Any, ready: ReadyConnections) -> None:
        self._engine, self._pooled, self._ready = engine, pooled, ready
        self._adapted = pooled.dbapi_connection
        self._driver: ScopedConnection = self._adapted.driver_connection
        self._began = False
        """Whether the driver has begun a transaction that SQLAlchemy does not know of."""
        self._connection: AsyncConnection | None = None

    @classmethod
    async def of(cls, engine: AsyncEngine, scope_sql: str, *, read_only: bool) -> "Checkout":
        """Takes a connection from the pool. The first statement begins its transaction."""
        ready = ready_connections(engine)
        checkout = cls(engine, ready.take() or await from_pool(engine), ready)
        checkout._driver.scope_sql = scope_sql
        checkout._adapted.readonly = read_only
        return checkout

    @staticmethod
    async def close_ready(engine: AsyncEngine) -> None:
        """Closes the connections that are ready: after one was lost, the others may be as well."""
        ready = ready_connections(engine)
        while (pooled := ready.drop()) is not None:
            await greenlet_spawn(pooled.invalidate)

    @property
    def connection(self) -> AsyncConnection:
        """SQLAlchemy's connection, in the same transaction."""
        if self._connection is None:
            if self._began:
                self._adapted._transaction = self._driver.adopt(read_only=self._adapted.readonly)
                self._began = False
            sync = Connection(self._engine.sync_engine, connection=self._pooled)
            self._connection = AsyncConnection(self._engine, sync)
        return self._connection

    async def execute(self, statement: Executable, parameters: Any) -> CursorResult[Any]:
        """Executes a Core statement."""
        await self._settle()
        return await self.connection.execute(statement, parameters)

    async def driver_sql(self, sql: str, arguments: tuple[Any, ...] | None) -> CursorResult[Any]:
        """Executes a statement in the driver's syntax through SQLAlchemy."""
        await self._settle()
        return await self.connection.exec_driver_sql(sql, arguments)

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> list[Any]:
        """The rows of a statement in the driver's syntax, as the driver returns them."""
        if not self._began and self._adapted._transaction is None:
            read_only = self._adapted.readonly
            if read_only and self._connection is None and self._driver.can_begin_with(sql, arguments):
                self._began = True
                return await self._driver.begin_and_fetch(sql, arguments)
            await self._driver.begin(read_only=read_only)
            if self._connection is None:
                self._began = True
            else:
                self._adapted._transaction = self._driver.adopt(read_only=self._adapted.readonly)
        return await self._driver.fetch_rows(sql, arguments)

    def linger(self) -> bool:
        """Ends a read-only transaction without an answer of the server; False if that takes `close`.

        The connection is ready for the next transaction, which rolls this one back as it begins.
        """
        if self._connection is not None or not self._adapted.readonly or not self._driver.may_linger():
            return False
        self._driver.lingers = self._began
        if self._ready.give(self._pooled):
            self._began = False
            return True
        self._driver.lingers = False
        return False

    async def commit(self) -> None:
        """Commits the transaction, if one has begun."""
        if self._connection is not None and self._connection.in_transaction():
            await self._connection.commit()
        elif self._began:
            await self._driver.commit()
            self._began = False
        elif transaction := self._adapted._transaction:
            self._adapted._transaction = None
            await transaction.commit()

    async def close(self, *, invalidate: bool = False) -> None:
        """Rolls back and gives the connection back to the pool, or closes it for good.

        The server has rolled back what was lost with its connection: that is no error.
        """
        try:
            await self._close(invalidate)
        except Exception as error:
            if not is_disconnect(error):
                raise

    async def _settle(self) -> None:
        """Ends the last transaction of the connection, if it lingers: SQLAlchemy does not know of it."""
        if self._driver.lingers:
            await self._driver.rollback()

    async def _close(self, invalidate: bool) -> None:
        if self._connection is None:
            try:
                if self._began and not invalidate:
                    await self._driver.rollback()
            finally:
                if invalidate or not self._ready.give(self._pooled):
                    await greenlet_spawn(self._pooled.invalidate if invalidate else self._pooled.close)
            return
        try:
            if invalidate and not self._connection.invalidated:
                await self._connection.invalidate()
        finally:
            await self._connection.close()


async def from_pool(engine: AsyncEngine) -> Any:
    """A connection of the pool, or the error that SQLAlchemy raises instead."""
    sync_engine = engine.sync_engine
    try:
        return await greenlet_spawn(sync_engine.raw_connection)
    except sync_engine.dialect.loaded_dbapi.Error as error:
        Connection._handle_dbapi_exception_noconnection(error, sync_engine.dialect, sync_engine)
