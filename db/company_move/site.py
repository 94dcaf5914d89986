"""A connection to one of the databases of a move, as the owner of its tables, with the company's scope."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self
from uuid import UUID

import asyncpg

from core.errors import InstallationError
from core.settings import driverless_url
from db.provision import OWNER
from db.revisions import SCHEMA, one_line, revisions

CONNECT_SECONDS = 10.0

SESSION = {
    "role": OWNER,
    "application_name": "seshat company move",
    "search_path": "pg_catalog",
    "statement_timeout": "0",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "0",
    "jit": "off",
    "work_mem": "64MB",
    "enable_sort": "off",  # digests are combined in hash tables; their number is overestimated
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}
"""Settings of the connection: the texts of equal rows are equal in both databases."""


class MoveError(InstallationError):
    """A company could not be moved; the message is one line."""


class Site:
    """A database that a company is moved from or to; `is_primary` is the one with the platform plane."""

    def __init__(self, connection: asyncpg.Connection, company_id: UUID, *, is_primary: bool) -> None:
        self.connection, self.company_id, self.is_primary = connection, company_id, is_primary

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, company_id: UUID, *, is_primary: bool) -> AsyncIterator[Self]:
        """Connects to the database as its owner. Raises `MoveError`."""
        settings = SESSION | {"app.company_id": str(company_id)}
        try:
            connection = await asyncpg.connect(
                driverless_url(url), server_settings=settings, timeout=CONNECT_SECONDS
            )
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise MoveError(f"a database of the move cannot be reached: {one_line(error)}") from error
        try:
            yield cls(connection, company_id, is_primary=is_primary)
        finally:
            connection.terminate()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """A transaction that sees the database as it is now."""
        async with self.connection.transaction(isolation="repeatable_read", readonly=True):
            yield

    async def exclude_others(self) -> None:
        """Keeps migrations and others who move the company out of the database until the connection ends.

        Waits for a killed process's statement that still runs. Raises `MoveError` if a migration runs.
        """
        await self.connection.execute(
            "SELECT pg_advisory_lock(hashtextextended('move ' || $1::text, 0))", str(self.company_id)
        )
        for plane, schema in SCHEMA.items():
            lock = f"SELECT pg_try_advisory_lock_shared(hashtext('seshat migrate {plane}'))"
            if not await self.connection.fetchval(lock):
                raise MoveError("a database of the move is being migrated: try again later")
            revision = await self.connection.fetchval(
                f"SELECT version_num FROM {schema}.alembic_version_{plane}"
            )
            if revision != (latest := revisions(plane)[-1]):
                raise MoveError(
                    f"a database of the move is at revision {revision} of the plane {plane}, "
                    f"not at {latest}: run `seshat migrate upgrade`"
                )

    async def fetch(self, statement: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        """Rows of a statement."""
        rows: Sequence[asyncpg.Record] = await self.connection.fetch(statement, *arguments)
        return rows

    async def execute(self, statement: str, *arguments: Any) -> str:
        """Executes a statement. Returns its tag."""
        tag: str = await self.connection.execute(statement, *arguments)
        return tag

    async def horizon(self) -> str:
        """The oldest running transaction. Rows that it and later ones write are recent."""
        found: str = await self.connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        return found

    async def visible(self) -> str:
        """The transactions that are visible now, as text of the type `pg_snapshot`."""
        found: str = await self.connection.fetchval("SELECT pg_current_snapshot()::text")
        return found
