"""The unit of work: one company, one connection, one transaction. The only way to tenant tables."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, overload
from uuid import UUID

from sqlalchemy import CursorResult, Executable, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.selectable import TypedReturnsRows

from db.base import Model
from db.engines import Placement
from db.rls import AUDIT, GUARD

M = TypeVar("M", bound=Model)

ScopeKind = Literal["company", "self", "platform"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What the database is told about the caller. Only UUIDs and literals: nothing to escape.

    `kind` decides which users' rows are in reach: the company's, the caller's own, or all.
    """

    company_id: UUID | None = None
    user_id: UUID | None = None
    kind: ScopeKind = "company"

    def sql(self) -> str:
        """The statement sent along with BEGIN."""
        if self.kind not in ("company", "self", "platform"):
            raise ValueError(self.kind)
        for value in (self.company_id, self.user_id):
            if value is not None and not isinstance(value, UUID):
                raise TypeError(f"not a UUID: {value!r}")
        return (
            f" SELECT set_config('app.company_id','{self.company_id or ''}',true),"
            f"set_config('app.user_id','{self.user_id or ''}',true),"
            f"set_config('app.scope','{self.kind}',true);"
        )


class UnitOfWorkClosed(RuntimeError):
    """The unit was used after its end."""


class UnsafeRole(RuntimeError):
    """The database role could see past row-level security."""


class UnitOfWork:
    """Statements, one at a time, in one transaction with one scope.

    The connection is taken at the first statement. `release()` ends a read-only transaction early, before a
    slow call to anything else; the next statement takes a connection again.
    """

    def __init__(self, engine: AsyncEngine, scope: Scope, *, read_only: bool) -> None:
        self._engine = engine.execution_options(postgresql_readonly=True) if read_only else engine
        self.scope, self.read_only = scope, read_only
        self._lock = asyncio.Lock()
        self._connection: AsyncConnection | None = None
        self._closed = False

    @property
    def company_id(self) -> UUID:
        """The company that the unit works in."""
        if self.scope.company_id is None:
            raise UnitOfWorkClosed("this unit has no company")
        return self.scope.company_id

    async def connection(self) -> AsyncConnection:
        """The unit's own connection, inside its transaction. Only for what `execute` cannot do."""
        if self._closed:
            raise UnitOfWorkClosed("unit of work used after its end")
        if self._connection is None:
            connection = await self._engine.connect()
            try:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                driver.scope_sql = self.scope.sql()
            except BaseException:
                await connection.close()
                raise
            self._connection = connection
        return self._connection

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one Core statement."""
        async with self._lock:
            fresh = self._connection is None
            connection = await self.connection()
            try:
                return await connection.execute(statement, parameters)
            except DBAPIError as error:
                if fresh and error.connection_invalidated:
                    # A pooled connection that died while idle: nothing has run in this transaction yet.
                    await self._drop()
                    return await (await self.connection()).execute(statement, parameters)
                if self.read_only:
                    await self._drop()  # the next statement begins a transaction that is not aborted
                raise

    async def driver_sql(self, statement: str, arguments: tuple[Any, ...] = ()) -> CursorResult[Any]:
        """Run a statement written for the driver (`$1`, `$2`), in its turn; for the queue."""
        async with self._lock:
            return await (await self.connection()).exec_driver_sql(statement, arguments or None)

    @overload
    async def all(self, statement: TypedReturnsRows[M], parameters: Any = None) -> Sequence[M]: ...
    @overload
    async def all(self, statement: Executable, parameters: Any = None) -> Sequence[Any]: ...
    async def all(self, statement: Executable, parameters: Any = None) -> Sequence[Any]:
        """Every row. A row of a model's columns is typed as the model; its relationships are not loaded."""
        return (await self.execute(statement, parameters)).all()

    @overload
    async def one(self, statement: TypedReturnsRows[M], parameters: Any = None) -> M: ...
    @overload
    async def one(self, statement: Executable, parameters: Any = None) -> Any: ...
    async def one(self, statement: Executable, parameters: Any = None) -> Any:
        """The only row, typed as in `all`. Raises SQLAlchemy's `NoResultFound` or `MultipleResultsFound`."""
        return (await self.execute(statement, parameters)).one()

    @overload
    async def first(self, statement: TypedReturnsRows[M], parameters: Any = None) -> M | None: ...
    @overload
    async def first(self, statement: Executable, parameters: Any = None) -> Any: ...
    async def first(self, statement: Executable, parameters: Any = None) -> Any:
        """The first row or None, typed as in `all`."""
        return (await self.execute(statement, parameters)).first()

    async def scalar(self, statement: Executable, parameters: Any = None) -> Any:
        """The first column of the first row, or none."""
        return (await self.execute(statement, parameters)).scalar()

    async def release(self) -> None:
        """Give the connection back until the next statement. Read-only units only."""
        if not self.read_only:
            raise RuntimeError("release() is for read-only units of work")
        async with self._lock:
            await self._drop()

    async def finish(self, *, commit: bool) -> None:
        """Commit or roll back, and give the connection back for good."""
        async with self._lock:
            self._closed = True
            try:
                if self._connection is not None and commit:
                    await self._connection.commit()
            finally:
                await self._drop()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:  # shielded: a second cancellation must not strand a connection
            await asyncio.shield(asyncio.ensure_future(connection.close()))


class Database:
    """What the application holds: `async with database.tenant(company_id, user_id) as uow:`."""

    def __init__(self, placement: Placement) -> None:
        self.placement = placement

    def unit(self, scope: Scope, *, read_only: bool) -> UnitOfWork:
        """A unit whose end is the caller's to call; prefer `tenant` and `platform`."""
        company = scope.company_id
        engine = self.placement.of(company) if company else self.placement.primary
        return UnitOfWork(engine, scope, read_only=read_only)

    def secondary_unit(self, scope: Scope) -> UnitOfWork:
        """A read-only unit for who has one open already: `release` it after each statement."""
        assert scope.company_id is not None
        return UnitOfWork(self.placement.secondary(scope.company_id), scope, read_only=True)

    @asynccontextmanager
    async def transaction(self, scope: Scope, *, read_only: bool = False) -> AsyncIterator[UnitOfWork]:
        """One transaction with this scope: committed on leaving, rolled back on any exception."""
        uow = self.unit(scope, read_only=read_only)
        try:
            yield uow
        except BaseException:
            await uow.finish(commit=False)
            raise
        else:
            await uow.finish(commit=True)

    @asynccontextmanager
    async def tenant(
        self,
        company_id: UUID,
        user_id: UUID | None = None,
        *,
        kind: ScopeKind = "company",
        read_only: bool = False,
    ) -> AsyncIterator[UnitOfWork]:
        """One transaction in one company."""
        async with self.transaction(Scope(company_id, user_id, kind), read_only=read_only) as uow:
            yield uow

    @asynccontextmanager
    async def platform(self, *, read_only: bool = False) -> AsyncIterator[UnitOfWork]:
        """One transaction on the primary plane, past every company: for sign-in, upkeep and the queue."""
        async with self.transaction(Scope(kind="platform"), read_only=read_only) as uow:
            yield uow

    async def verify_isolation(self) -> None:
        """Raise `UnsafeRole` when the connection's role, or the fence of the tenant plane, is not safe."""
        async with self.platform(read_only=True) as uow:
            role = (await uow.one(text(GUARD)))._mapping
            if faults := [name.replace("_", " ") for name, true in role.items() if true]:
                raise UnsafeRole(f"the database role is not safe to serve with: it {', '.join(faults)}")
            if holes := [f"{row.relname}: {row.problem}" for row in await uow.all(text(AUDIT))]:
                raise UnsafeRole(f"the tenant plane is not fenced: {'; '.join(holes)}")

    async def close(self) -> None:
        """Close every connection."""
        await self.placement.close()
