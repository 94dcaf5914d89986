"""Database engines, and connections that set the scope of their transaction."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
from asyncpg.protocol.protocol import PreparedStatementState
from asyncpg.transaction import TransactionState
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.json_values import read_column, write_column
from db.connection_limits import Connect
from db.dialect import connect_by_url
from db.ready_connections import ReadyPool

NO_SCOPE = (
    " SELECT WHERE num_nulls(set_config('app.company_id','',true),set_config('app.user_id','',true),"
    "set_config('app.scope','',true))>0;"
)
"""Clears the scope. Statements of scopes return no rows, so that they can be sent ahead of another one."""

BEGIN, BEGIN_READ_ONLY, ROLLBACK = "BEGIN;", "BEGIN READ ONLY;", "ROLLBACK;"

BIND_AND_EXECUTE = b"B\0\0\0\x0c\0\0\0\0\0\0\0\0E\0\0\0\x09\0\0\0\0\0"
"""Messages of the protocol: run the unnamed statement, without parameters."""

PLAIN = frozenset({UUID, asyncpg.pgproto.pgproto.UUID, list, int, bool, type(None)})
"""Types of arguments that the driver encodes without an error; so it does with `str` in ASCII."""

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 120.0
"""Seconds after which a statement without an answer is given up: its server is frozen or unreachable."""

CLIENT_CHECK = "2s"
"""Interval at which the server looks whether the client of a running statement still exists."""

PLANS = {"plan_cache_mode": "force_custom_plan"}
"""Plans each statement for its parameters and its company.

A generic plan would be that of the company which the connection served first, because row-level security
reads the company from a setting.
"""

UNPREPARED = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
"""Options of connections without named statements, for the driver and for SQLAlchemy."""


@lru_cache(maxsize=1024)
def messages_of(*statements: str) -> bytes:
    """Messages of the protocol that run statements without parameters and rows, ahead of another statement.

    The server answers to all of them together. After an error it runs none of those that follow.
    """
    parts = []
    for statement in statements:
        text = b"\0" + statement.encode() + b"\0\0\0"
        parts += [b"P", (len(text) + 4).to_bytes(4, "big"), text, BIND_AND_EXECUTE]
    return b"".join(parts)


def is_plain(argument: Any) -> bool:
    """Whether the driver encodes the argument without an error; other text may hold lone surrogates."""
    return type(argument) in PLAIN or (type(argument) is str and argument.isascii())


class ScopedConnection(asyncpg.Connection):
    """Sends the scope with BEGIN as one message, or with the first statement, which saves round trips.

    The scope ends with the transaction. Without a scope BEGIN clears it: queries of tenant tables fail.
    """

    scope_sql = NO_SCOPE
    lingers = False
    """Whether a read-only transaction is over, but not yet rolled back: that is sent ahead of the next."""
    _protocol: Any  # which the driver's type stubs leave out
    _top_xact: Any
    _transport: Any
    _stmt_cache: Any
    _config: Any
    _in_use: PreparedStatementState | None = None
    """A statement that never runs and is never closed: see `is_idle`."""

    async def execute(  # asyncpg's signature
        self,
        query: str,
        *args: Any,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> str:
        if not args and query.startswith("BEGIN"):
            query += self.scope_sql
        return await super().execute(query, *args, timeout=timeout)

    async def fetch_rows(self, query: str, arguments: Sequence[Any]) -> list[Any]:
        """The rows of a statement, which is prepared at its first use. Nobody else may use the connection.

        It is asyncpg's `fetch` without its loggers and its own guard against concurrent use.
        """
        driver: Any = self
        self._open_protocol()
        statement = self._prepared(query) or await driver._get_statement(query, COMMAND_SECONDS)
        return await self._bind_and_execute(statement, arguments)

    async def begin_and_fetch(self, query: str, arguments: Sequence[Any]) -> list[Any]:
        """Begins a read-only transaction with its first statement, in one round trip: see `can_begin_with`.

        The connection is closed if it is not known whether the transaction has begun.
        """
        self._open_protocol()
        begin = (BEGIN_READ_ONLY, self.scope_sql)
        messages = messages_of(ROLLBACK, *begin) if self.lingers else messages_of(*begin)
        statement = self._prepared(query)
        self.lingers = False
        self._transport.write(messages)  # the driver writes the rest before anybody else runs
        try:
            return await self._bind_and_execute(statement, arguments)
        except (asyncpg.InterfaceError, asyncpg.InternalClientError):
            self.terminate()
            raise
        except Exception:
            if not self.is_in_transaction():
                self.terminate()
            raise

    def can_begin_with(self, query: str, arguments: Sequence[Any]) -> bool:
        """Whether a read-only transaction may begin in one message with this statement.

        It must be prepared, and nothing may keep the driver from sending it: then BEGIN would be sent alone.
        """
        protocol = self._open_protocol()
        return (
            self._prepared(query) is not None
            and all(map(is_plain, arguments))
            and not protocol._is_cancelling()
        )

    def _prepared(self, query: str) -> Any:
        """The prepared statement, or None."""
        return self._stmt_cache.get((query, self._protocol.get_record_class(), False))

    async def _bind_and_execute(self, statement: Any, arguments: Sequence[Any]) -> list[Any]:
        driver: Any = self
        try:
            rows = await self._protocol.bind_execute(statement, arguments, "", 0, False, COMMAND_SECONDS)
        except asyncpg.OutdatedSchemaCacheError:
            await self.reload_schema_state()
            raise
        except asyncpg.InvalidCachedStatementError:
            driver._drop_global_statement_cache()
            raise
        found: list[Any] = rows
        return found

    def _open_protocol(self) -> Any:
        """The protocol. Raises `InterfaceError` if the connection is closed."""
        driver: Any = self
        driver._check_open()
        return self._protocol

    async def begin(self, *, read_only: bool) -> None:
        """Begins a transaction that asyncpg does not know of, unless `adopt` makes it one that it does."""
        query = (BEGIN_READ_ONLY if read_only else BEGIN) + self.scope_sql
        if self.lingers:
            query = ROLLBACK + query
        self.lingers = False
        await self._open_protocol().query(query, COMMAND_SECONDS)

    async def commit(self) -> None:
        """Commits the transaction that `begin` began."""
        await self._open_protocol().query("COMMIT;", COMMAND_SECONDS)

    async def rollback(self) -> None:
        """Ends the transaction that `begin` began."""
        self.lingers = False
        await self._open_protocol().query(ROLLBACK, COMMAND_SECONDS)

    def adopt(self, *, read_only: bool) -> Any:
        """The running transaction, as one that asyncpg has started."""
        transaction: Any = self.transaction(readonly=read_only)
        transaction._state = TransactionState.STARTED
        self._top_xact, self.lingers = transaction, False
        return transaction

    def may_linger(self) -> bool:
        """Whether a transaction may linger: not behind a pooler, which would keep a connection for it."""
        return bool(self._config.statement_cache_size)

    def is_idle(self) -> bool:
        """Whether the connection is open, outside a transaction, and no operation runs; without I/O.

        A transaction that lingers is over.
        """
        protocol = self._protocol
        if self.is_closed() or self._top_xact or protocol._is_cancelling():
            return False
        if self.is_in_transaction() and not self.lingers:
            return False
        if self._in_use is None:
            self._in_use = PreparedStatementState("", "", protocol, asyncpg.Record, False)
            self._in_use.attach()
        closing = protocol.close_statement(self._in_use, None)
        try:
            closing.send(None)  # the protocol looks at its state first, then refuses to close what is in use
        except asyncpg.InternalClientError:
            return True
        except asyncpg.InterfaceError:
            return False
        finally:
            closing.close()
        return False


async def connect(*arguments: Any, **options: Any) -> asyncpg.Connection:
    """Connects. A socket file or host that is not found is an outage as well: `ConnectionRefusedError`."""
    try:
        return await asyncpg.connect(*arguments, **options)
    except (ConnectionError, TimeoutError):
        raise
    except OSError as error:
        raise ConnectionRefusedError(error.errno, "the database does not run") from error


def connect_options(application: str, *, prepared: bool) -> dict[str, Any]:
    """Options of the driver's connections. Without `prepared`, a transaction pooler accepts all of them."""
    options: dict[str, Any] = {"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS}
    settings = {"application_name": application}
    if not prepared:
        return options | UNPREPARED | {"server_settings": settings}
    settings |= PLANS | {"client_connection_check_interval": CLIENT_CHECK}
    return options | {"server_settings": settings}


def make_engine(
    url: str,
    *,
    size: int,
    overflow: int,
    wait: float,
    application: str,
    prepared: bool,
    opener: Connect = connect,
) -> AsyncEngine:
    """An engine of scoped connections, which keep prepared statements if `prepared`.

    A connection goes back to the pool only if it is idle, and is given out only if it still is; any other is
    closed. There is no ping: units of work retry their first statement.
    """
    engine = create_async_engine(
        url,
        poolclass=ReadyPool,
        pool_size=size,
        max_overflow=overflow,
        pool_timeout=wait,
        pool_recycle=1800,
        pool_use_lifo=True,
        pool_pre_ping=False,
        hide_parameters=True,
        json_serializer=write_column,
        json_deserializer=read_column,
        connect_args={
            "async_creator_fn": opener,
            "connection_class": ScopedConnection,
            **connect_options(application, prepared=prepared),
        },
    )
    connect_by_url(engine)

    @event.listens_for(engine.sync_engine, "checkin")
    def reset(connection: Any, record: Any) -> None:
        if connection is None:
            return
        driver = connection.driver_connection
        if driver.is_idle() and not driver.lingers:
            driver.scope_sql = NO_SCOPE
            connection.readonly = False
        else:
            record.invalidate()

    @event.listens_for(engine.sync_engine, "checkout")
    def require_idle(connection: Any, record: Any, proxy: Any) -> None:
        if not connection.driver_connection.is_idle():
            record.invalidate()  # closes it here: the pool loses its record if that is cancelled later
            raise DisconnectionError  # the pool connects again

    return engine
