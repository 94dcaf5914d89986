"""Unit of work: one company, one connection, one transaction. All access to tenant tables goes through it."""

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
    """The scope of a transaction. Holds UUIDs and literals only, which need no escaping.

    `kind` selects the accessible rows of users: the company's, the caller's own, or all.
    """

    company_id: UUID | None = None
    user_id: UUID | None = None
    kind: ScopeKind = "company"

    def sql(self) -> str:
        """The statement that is sent with BEGIN."""
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
    """The unit of work was used after its end."""


class UnsafeRole(RuntimeError):
    """The database role could bypass row-level security."""


class UnitOfWork:
    """A transaction with a scope, whose statements run one at a time.

    The first statement checks a connection out. `release()` ends a read-only transaction early, before a slow
    call to another service; the next statement checks out a connection again.
    """

    def __init__(self, engine: AsyncEngine, scope: Scope, *, read_only: bool) -> None:
        self._engine = engine.execution_options(postgresql_readonly=True) if read_only else engine
        self.scope, self.read_only = scope, read_only
        self._lock = asyncio.Lock()
        self._connection: AsyncConnection | None = None
        self._closed = False

    @property
    def company_id(self) -> UUID:
        """The company of the unit."""
        if self.scope.company_id is None:
            raise UnitOfWorkClosed("unit of work without a company")
        return self.scope.company_id

    async def connection(self) -> AsyncConnection:
        """The unit's connection, inside its transaction. For what `execute` cannot do."""
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
        """Executes a Core statement."""
        async with self._lock:
            fresh = self._connection is None
            connection = await self.connection()
            try:
                return await connection.execute(statement, parameters)
            except DBAPIError as error:
                if fresh and error.connection_invalidated:
                    # A pooled connection was lost while idle. Nothing has run in this transaction: retry.
                    await self._drop()
                    return await (await self.connection()).execute(statement, parameters)
                if self.read_only:
                    await self._drop()  # the next statement starts a new transaction
                raise

    async def driver_sql(self, statement: str, arguments: tuple[Any, ...] = ()) -> CursorResult[Any]:
        """Executes a statement in the driver's syntax (`$1`, `$2`), for the queue."""
        async with self._lock:
            return await (await self.connection()).exec_driver_sql(statement, arguments or None)

    @overload
    async def all(self, statement: TypedReturnsRows[M], parameters: Any = None) -> Sequence[M]: ...
    @overload
    async def all(self, statement: Executable, parameters: Any = None) -> Sequence[Any]: ...
    async def all(self, statement: Executable, parameters: Any = None) -> Sequence[Any]:
        """All rows. A row of a model's columns is typed as the model; its relationships are not loaded."""
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
        """The first column of the first row, or None."""
        return (await self.execute(statement, parameters)).scalar()

    async def release(self) -> None:
        """Returns the connection to the pool until the next statement. For read-only units."""
        if not self.read_only:
            raise RuntimeError("release() requires a read-only unit of work")
        async with self._lock:
            await self._drop()

    async def finish(self, *, commit: bool) -> None:
        """Commits or rolls back, and returns the connection to the pool."""
        async with self._lock:
            self._closed = True
            try:
                if self._connection is not None and commit:
                    await self._connection.commit()
            finally:
                await self._drop()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:  # shielded: a second cancellation must not leak it
            await asyncio.shield(asyncio.ensure_future(connection.close()))


class Database:
    """Creates units of work: `async with database.tenant(company_id, user_id) as uow:`."""

    def __init__(self, placement: Placement) -> None:
        self.placement = placement

    def unit(self, scope: Scope, *, read_only: bool) -> UnitOfWork:
        """A unit that the caller must finish; prefer `tenant` and `platform`."""
        company = scope.company_id
        engine = self.placement.of(company) if company else self.placement.primary
        return UnitOfWork(engine, scope, read_only=read_only)

    def secondary_unit(self, scope: Scope) -> UnitOfWork:
        """A read-only unit for callers with an open unit. It must be released after each statement."""
        assert scope.company_id is not None
        return UnitOfWork(self.placement.secondary(scope.company_id), scope, read_only=True)

    @asynccontextmanager
    async def transaction(self, scope: Scope, *, read_only: bool = False) -> AsyncIterator[UnitOfWork]:
        """A transaction with this scope: committed at the end, rolled back on an exception."""
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
        """A transaction in a company."""
        async with self.transaction(Scope(company_id, user_id, kind), read_only=read_only) as uow:
            yield uow

    @asynccontextmanager
    async def platform(self, *, read_only: bool = False) -> AsyncIterator[UnitOfWork]:
        """A transaction on the platform plane, for sign-in, periodic tasks and the queue."""
        async with self.transaction(Scope(kind="platform"), read_only=read_only) as uow:
            yield uow

    async def verify_isolation(self) -> None:
        """Raises `UnsafeRole` if the role or the isolation of the tenant plane is not safe."""
        async with self.platform(read_only=True) as uow:
            role = (await uow.one(text(GUARD)))._mapping
            if faults := [name.replace("_", " ") for name, true in role.items() if true]:
                raise UnsafeRole(f"the database role is not safe to serve with: it {', '.join(faults)}")
            if holes := [f"{row.relname}: {row.problem}" for row in await uow.all(text(AUDIT))]:
                raise UnsafeRole(f"the tenant plane is not isolated: {'; '.join(holes)}")

    async def close(self) -> None:
        """Closes all connections."""
        await self.placement.close()
