"""Units of work of companies that may have databases of their own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncEngine

from core.errors import Unavailable
from db.base import PLATFORM
from db.checkouts import Checkout
from db.errors import is_departure
from db.placement import Place, Placement
from db.planes import Access, access_of
from db.rows import Record
from db.statements import Statement
from db.uow import Scope, TransactionLost, UnitOfWork, finish_anyway

if TYPE_CHECKING:
    from db.database import Database

log = structlog.get_logger(__name__)

T = TypeVar("T")

MOVE_SECONDS, MOVE_POLL_SECONDS = 2.0, 0.05
"""Time that a unit waits for the move of its company, and between two attempts to begin."""

MOVING = "The data of your company is being moved. Try again in a moment."


class OwnUnitOfWork(UnitOfWork):
    """A unit in a company's own database, whose engine may be closed while the unit has no connection."""

    def __init__(
        self, placement: Placement, place: Place, scope: Scope, *, read_only: bool, is_fenced: bool
    ) -> None:
        super().__init__(placement.engine_of(place), scope, read_only=read_only, is_fenced=is_fenced)
        self._placement, self._place = placement, place

    async def _connected(self) -> Checkout:
        if self._checkout is None:
            self._engine = await self._placement.open(self._place)
        return await super()._connected()

    async def _finish(self, commit: bool) -> None:
        try:
            await super()._finish(commit)
        finally:
            await self._placement.close_unused()


class PlacedUnitOfWork(UnitOfWork):
    """A unit of work that finds the database of its company with the first statement.

    In a company with a database of its own, statements of the platform plane run in a second transaction, on
    the primary. If both transactions have written, the platform's is committed first, unless `tenant_first`
    is set; what must not be lost in between goes through the outbox.
    """

    def __init__(self, database: "Database", shared: AsyncEngine, scope: Scope, *, read_only: bool) -> None:
        super().__init__(shared, scope, read_only=read_only)
        self.database = database
        self.platform = UnitOfWork(shared, scope, read_only=read_only)
        """The unit of the platform plane, and of the tenant plane in the shared database."""
        self._own: UnitOfWork | None = None
        self._finding = asyncio.Lock()
        self.writes: set[str] = set()
        """The planes that are written, if they are in two databases."""
        self.after_commit: dict[Hashable, Callable[[], Awaitable[None]]] = {}
        """What is done after a commit, once for each key. An error of it is logged."""

    async def own(self) -> UnitOfWork:
        """The unit in the company's database."""
        if self._own is None:
            async with self._finding:
                if self._own is None:
                    self._own = await self._locate()
        return self._own

    async def is_split(self) -> bool:
        return await self.own() is not self.platform

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return await self._route(statement, lambda unit: unit.execute(statement, parameters))

    async def driver_sql(self, statement: str, arguments: tuple[Any, ...] = ()) -> CursorResult[Any]:
        return await self._route(statement, lambda unit: unit.driver_sql(statement, arguments))

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Record]:
        return await self._route(statement, lambda unit: unit.fetch(statement, values))

    async def _route(
        self, statement: Executable | str | Statement, execute: Callable[[UnitOfWork], Awaitable[T]]
    ) -> T:
        deadline = time.monotonic() + MOVE_SECONDS
        while True:
            unit = await self.own()
            if unit is not self.platform:
                unit = self._of(unit, access_of(statement))
            try:
                return await execute(unit)
            except Exception as error:
                if not is_departure(error):
                    raise
                await self._leave(unit)
                if time.monotonic() > deadline:
                    raise Unavailable(MOVING) from error
            await asyncio.sleep(MOVE_POLL_SECONDS)

    def _of(self, own: UnitOfWork, access: Access) -> UnitOfWork:
        if access.writes:
            self.writes.add(access.plane)
        return self.platform if access.plane == PLATFORM else own

    async def _locate(self) -> UnitOfWork:
        placement = self.database.placement
        place = await placement.locate(self.company_id)
        is_fenced = not self.read_only
        self.platform.is_fenced = is_fenced and place is None
        if place is None:
            return self.platform
        return OwnUnitOfWork(placement, place, self.scope, read_only=self.read_only, is_fenced=is_fenced)

    async def _leave(self, unit: UnitOfWork) -> None:
        """Forgets a database that the company has left, where nothing was done."""
        self.database.placement.forget(self.company_id)
        await unit.abandon()
        self._own = None

    async def release(self) -> None:
        for unit in self._units():
            await unit.release()

    def _units(self) -> list[UnitOfWork]:
        return list(dict.fromkeys([self.platform, self._own or self.platform]))

    def finish(self, *, commit: bool) -> asyncio.Future[None]:
        self._closed = True
        for unit in (units := self._units()):
            unit._closed = True
        if len(units) == 2 and (self.tenant_first or PLATFORM not in self.writes):
            units.reverse()
        return finish_anyway(self._finish_all(units, commit))

    async def _finish_all(self, units: list[UnitOfWork], commit: bool) -> None:
        if commit and any(unit._lost for unit in units):
            await self._finish_all(units, commit=False)
            raise TransactionLost("the transaction was interrupted")
        for unit in units:
            try:
                await unit._finish(commit)
            except BaseException:
                for other in units:
                    await other._finish(commit=False)
                raise
        if commit:
            await self._deliver()
            replica = self.database.placement.replica
            if replica is not None and not self.read_only and len(units) == 1:
                await replica.note_write(self.company_id)

    async def _deliver(self) -> None:
        for deliver in self.after_commit.values():
            try:
                await deliver()
            except Exception as error:
                log.warning("outbox_delivery_failed", company=str(self.company_id), error=error)
