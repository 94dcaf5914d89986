"""Somebody who sees all rows, in whichever databases they are."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from numbers import Number
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg

from db.base import TENANT
from db.placement import Place, place_of
from db.planes import TABLES, access_of
from tests.placement import DATABASES


class Onlooker:
    """A connection of the administrator to each database, with the methods of one.

    Statements of the tenant plane, and of tables that every database has, run in every database, also in
    those of companies: their rows are joined, and numbers added, since a company's rows are in one of them.
    So do settings (`SET`). Others run in the primary database.
    """

    def __init__(self, primary: asyncpg.Connection) -> None:
        self.primary = primary

    async def connections(self) -> AsyncIterator[asyncpg.Connection]:
        """To all databases, one after the other: of many, those that were used before are closed."""
        yield self.primary
        for place in await self.places():
            yield await DATABASES.connect(place)

    async def places(self) -> list[Place]:
        """Where companies have databases of their own."""
        return await DATABASES.places(self.primary)

    async def at(self, company_id: UUID) -> asyncpg.Connection:
        """To the database where the company is."""
        location = "SELECT database_server, database_name FROM platform.companies WHERE id = $1"
        [company] = await self.primary.fetch(location, company_id)
        place = place_of(SimpleNamespace(**company))
        return self.primary if place is None else await DATABASES.connect(place)

    async def _of(self, statement: str) -> AsyncIterator[asyncpg.Connection]:
        """To the databases where a statement runs."""
        has_tables = TABLES.search(statement.replace('"', ""))
        is_tenant = has_tables and await self.places() and access_of(statement).plane == TENANT
        if is_tenant or statement.startswith("SET "):
            async for connection in self.connections():
                yield connection
        else:
            yield self.primary

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of every database."""
        return [row async for each in self._of(statement) for row in await each.fetch(statement, *arguments)]

    async def fetchrow(self, statement: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row that there is."""
        rows = await self.fetch(statement, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, statement: str, *arguments: Any) -> Any:
        """The sum of the numbers of every database, or the first value that is not null."""
        rows = await self.fetch(statement, *arguments)
        values = [row[0] for row in rows if row[0] is not None]
        if len(values) > 1 and all(isinstance(value, Number) for value in values):
            return sum(values)
        return values[0] if values else None

    async def execute(self, statement: str, *arguments: Any) -> None:
        """Executes a statement in every database."""
        async for connection in self._of(statement):
            await connection.execute(statement, *arguments)

    async def executemany(self, statement: str, arguments: Iterable[Sequence[Any]]) -> None:
        """Executes a statement with several arguments."""
        async for connection in self._of(statement):
            await connection.executemany(statement, arguments)

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[None]:
        """A transaction in every database."""
        async with AsyncExitStack() as stack:
            async for connection in self.connections():
                await stack.enter_async_context(connection.transaction(**options))
            yield
