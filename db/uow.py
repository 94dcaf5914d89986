"""Unit of work: one company, one connection, one transaction. All access to tenant tables goes through it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias, TypeVar, overload
from uuid import UUID

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.selectable import TypedReturnsRows

from core.errors import InstallationError
from db.base import Model
from db.checkouts import Checkout
from db.errors import is_disconnect
from db.rows import Record
from db.statements import Statement

M = TypeVar("M", bound=Model)
T = TypeVar("T")

ScopeKind = Literal["company", "self", "platform"]
Execute: TypeAlias = Callable[[Checkout, Any, Any], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of a transaction. Holds UUIDs and literals only, which need no escaping.

    `kind` selects the accessible rows of users: the company's, the caller's own, or all.
    """

    company_id: UUID | None = None
    user_id: UUID | None = None
    kind: ScopeKind = "company"

    @lru_cache(maxsize=1024)  # noqa: B019  # scopes are small
    def sql(self) -> str:
        """The statement that is sent with BEGIN. It returns no rows."""
        if self.kind not in ("company", "self", "platform"):
            raise ValueError(self.kind)
        for value in (self.company_id, self.user_id):
            if value is not None and not isinstance(value, UUID):
                raise TypeError(f"not a UUID: {value!r}")
        return (
            f" SELECT WHERE num_nulls(set_config('app.company_id','{self.company_id or ''}',true),"
            f"set_config('app.user_id','{self.user_id or ''}',true),"
            f"set_config('app.scope','{self.kind}',true))>0;"
        )

    def fence_sql(self) -> str:
        """The statement that fails if the company has left the database, or is about to."""
        return f"SELECT platform.require_present('{self.company_id}');"


class UnitOfWorkClosed(RuntimeError):
    """The unit of work was used after its end."""


class UnsafeRole(InstallationError):
    """The database role could bypass row-level security."""


class TransactionLost(ConnectionError):
    """The transaction was rolled back because an earlier statement of it was interrupted."""


class UnitOfWork:
    """A transaction with a scope, whose statements run one at a time.

    The first statement checks a connection out. `release()` ends a read-only transaction early, before a slow
    call to another service; the next statement checks out a connection again. A read-only unit continues in a
    new transaction after a failed or interrupted statement.
    """

    def __init__(
        self, engine: AsyncEngine, scope: Scope, *, read_only: bool, is_fenced: bool = False
    ) -> None:
        self._engine = engine
        self.scope, self.read_only = scope, read_only
        self.is_fenced = is_fenced
        """Whether the company must not have left the database."""
        self.tenant_first = False
        """Whether the tenant plane is committed before the platform's, if they are in two databases."""
        self._lock = asyncio.Lock()
        self._checkout: Checkout | None = None
        self._closed = self._lost = False

    @property
    def company_id(self) -> UUID:
        """The company of the unit."""
        if self.scope.company_id is None:
            raise UnitOfWorkClosed("unit of work without a company")
        return self.scope.company_id

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Executes a Core statement. Raises `TransactionLost` after an interrupted statement."""
        return await self._run(Checkout.execute, statement, parameters)

    async def driver_sql(self, statement: str, arguments: tuple[Any, ...] = ()) -> CursorResult[Any]:
        """Executes a statement in the driver's syntax (`$1`, `$2`), for the queue."""
        return await self._run(Checkout.driver_sql, statement, arguments or None)

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        """The rows of a compiled statement with these values, as the driver returns them."""
        arguments = statement.arguments(values)
        for listener in self._engine.sync_engine.dispatch.before_cursor_execute:
            listener(None, None, statement.sql, arguments, None, False)
        return await self._run(Checkout.fetch, statement.sql, arguments)

    async def _run(self, execute: "Execute[T]", statement: Any, arguments: Any) -> T:
        async with self._lock:
            checkout = self._checkout
            is_first = checkout is None
            try:
                if checkout is None or self._closed or self._lost:
                    checkout = await self._connected()
                return await execute(checkout, statement, arguments)
            except BaseException as error:
                if is_first and not self._lost and isinstance(error, Exception) and is_disconnect(error):
                    # The pooled connection was lost. Nothing has run in this transaction: try another.
                    await self._drop(invalidate=True)
                    await Checkout.close_ready(self._engine)
                else:
                    await self._note(error)
                    raise
            try:
                return await execute(await self._connected(), statement, arguments)
            except BaseException as error:
                await self._note(error)
                raise

    async def _note(self, error: BaseException) -> None:
        """Ends the transaction after a failed statement if it cannot or need not go on."""
        interrupted = is_interruption(error)
        self._lost = self._lost or (interrupted and self._checkout is not None and not self.read_only)
        if interrupted or self.read_only:
            await self._drop(invalidate=interrupted)

    async def _connected(self) -> Checkout:
        if self._closed:
            raise UnitOfWorkClosed("unit of work used after its end")
        if self._lost:
            raise TransactionLost("an earlier statement of this transaction was interrupted")
        if self._checkout is None:
            begin = self.scope.sql() + self.scope.fence_sql() if self.is_fenced else self.scope.sql()
            self._checkout = await Checkout.of(self._engine, begin, read_only=self.read_only)
        return self._checkout

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

    async def is_split(self) -> bool:
        """Whether the planes are in two databases, so that the other plane is written through the outbox."""
        return False

    async def release(self) -> None:
        """Returns the connection to the pool until the next statement. For read-only units."""
        if not self.read_only:
            raise RuntimeError("release() requires a read-only unit of work")
        if self._set_aside():
            return
        async with self._lock:
            await self._drop()

    async def abandon(self) -> None:
        """Forgets a transaction in which nothing has run."""
        async with self._lock:
            await self._drop(invalidate=True)

    def finish(self, *, commit: bool) -> asyncio.Future[None]:
        """Commits or rolls back, and returns the connection to the pool, even if the caller is cancelled.

        Begins with the call, not when it is awaited. Raises `TransactionLost` if there is nothing left to
        commit.
        """
        self._closed = True
        if self.read_only and self._set_aside():
            finished = asyncio.get_running_loop().create_future()
            finished.set_result(None)
            return finished
        return finish_anyway(self._finish(commit))

    def _set_aside(self) -> bool:
        """Ends a read-only transaction at once, if no statement runs and the connection can stay ready."""
        if self._lock.locked() or not (self._checkout is None or self._checkout.linger()):
            return False
        self._checkout = None
        return True

    async def _finish(self, commit: bool) -> None:
        async with self._lock:
            checkout, self._checkout = self._checkout, None
            if commit and self._lost:
                raise TransactionLost("the transaction was interrupted")
            if checkout is None:
                return
            try:
                if commit:
                    await checkout.commit()
            except BaseException as error:
                await checkout.close(invalidate=is_interruption(error))
                raise
            await checkout.close()

    async def _drop(self, *, invalidate: bool = False) -> None:
        checkout, self._checkout = self._checkout, None
        if checkout is not None:
            await finish_anyway(checkout.close(invalidate=invalidate))


FINISHING: set[asyncio.Task[None]] = set()
"""Tasks that go on after their caller was cancelled."""


def is_interruption(error: BaseException) -> bool:
    """Whether a statement may still run on its connection, or its transaction is gone."""
    return not isinstance(error, Exception) or isinstance(error, TimeoutError) or is_disconnect(error)


def finish_anyway(work: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
    """Starts the work, and does it to its end, for which a cancelled caller does not wait.

    It is no coroutine: one that is cancelled before its first step, as in `asyncio.gather`, would do nothing.
    """
    task = asyncio.create_task(work)
    FINISHING.add(task)
    task.add_done_callback(forget)
    return asyncio.shield(task)


def forget(task: asyncio.Task[None]) -> None:
    """Drops a finished task. Its error, if any, is raised by `finish_anyway` or has no reader."""
    FINISHING.discard(task)
    if not task.cancelled():
        task.exception()
