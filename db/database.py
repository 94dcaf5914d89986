"""The database: creates units of work, in the databases of their companies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.placed_units import PlacedUnitOfWork
from db.placement import Placement
from db.rls import AUDIT, GUARD
from db.uow import Scope, ScopeKind, UnitOfWork, UnsafeRole


class Database:
    """Creates units of work: `async with database.tenant(company_id, user_id) as uow:`."""

    def __init__(self, placement: Placement) -> None:
        self.placement = placement

    def unit(self, scope: Scope, *, read_only: bool) -> UnitOfWork:
        """A unit that the caller must finish; prefer `tenant` and `platform`."""
        return self._unit(self.placement.primary, scope, read_only=read_only)

    def query_unit(self, scope: Scope) -> UnitOfWork:
        """A read-only unit for a query, on a replica that has what the company has written, if any."""
        replica, company_id = self.placement.replica, scope.company_id
        if replica is None or company_id is None or not self.placement.is_pooled(company_id):
            return self.unit(scope, read_only=True)
        engine = replica.engine if replica.is_current(company_id) else self.placement.primary
        return UnitOfWork(engine, scope, read_only=True)

    def secondary_unit(self, scope: Scope) -> UnitOfWork:
        """A read-only unit for callers with an open unit. It must be released after each statement."""
        return self._unit(self.placement.secondary, scope, read_only=True)

    def _unit(self, shared: AsyncEngine, scope: Scope, *, read_only: bool) -> UnitOfWork:
        if scope.company_id is None or (read_only and self.placement.is_pooled(scope.company_id)):
            return UnitOfWork(shared, scope, read_only=read_only)
        return PlacedUnitOfWork(self, shared, scope, read_only=read_only)

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
