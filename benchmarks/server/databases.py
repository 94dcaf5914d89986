"""The databases of the benchmark on one embedded PostgreSQL: the floor's, and a migrated one of Seshat.

A database is named after a digest of what it is made of, so that one that is kept between runs is made anew
as soon as rows, tables or migrations change.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import asyncpg

from benchmarks.server.rows import Row, tables
from benchmarks.server.seshat_rows import seshat_tables
from core.settings import Settings, driverless_url
from db.revisions import ROOT
from server.embedded.postgres import EmbeddedPostgres, embedded_url, running_postmaster
from server.embedded.process import run_server
from server.installation import prepare

HERE = Path(__file__).parent
FLOOR_SOURCES = (HERE / "rows.py", HERE / "floor.sql")
SESHAT_SOURCES = (HERE / "rows.py", HERE / "seshat_rows.py", *sorted((ROOT / "migrations").rglob("*.py")))


@dataclass(frozen=True)
class Databases:
    """Names of the databases in a data folder, and the process and version of their server."""

    data: Path
    floor: str
    seshat: str
    postmaster: int
    version: str

    @property
    def floor_url(self) -> str:
        """The floor's database, for its owner."""
        return driverless_url(embedded_url(self.data, "postgres", self.floor))

    @property
    def seshat_url(self) -> str:
        """Seshat's database, for the application."""
        return embedded_url(self.data, "app_rw", self.seshat)

    @property
    def seshat_admin_url(self) -> str:
        """Seshat's database, for the superuser."""
        return driverless_url(embedded_url(self.data, "postgres", self.seshat))


@asynccontextmanager
async def open_databases(data: Path) -> AsyncIterator[Databases]:
    """Starts PostgreSQL in the folder, and makes the databases that are missing."""
    async with run_server(EmbeddedPostgres(data)):
        floor = await make_once(data, "floor", digest(FLOOR_SOURCES), make_floor)
        seshat = await make_once(data, "seshat", digest(SESHAT_SOURCES), make_seshat)
        postmaster = int(running_postmaster(data / "postgres")[0])
        server = await asyncpg.connect(driverless_url(embedded_url(data, "postgres", "postgres")))
        version = await server.fetchval("SHOW server_version")
        await server.close()
        yield Databases(data, floor, seshat, postmaster, version)


def digest(sources: tuple[Path, ...]) -> str:
    """The digest of files."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:12]


async def make_once(data: Path, name: str, version: str, make: Callable[[Path, str], Awaitable[None]]) -> str:
    """Makes a database unless it exists. It gets its name when it is complete."""
    database, draft = f"{name}_{version}", f"{name}_draft"
    server = await asyncpg.connect(driverless_url(embedded_url(data, "postgres", "postgres")))
    try:
        if not await server.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database):
            await server.execute(f"DROP DATABASE IF EXISTS {draft} WITH (FORCE)")
            await make(data, draft)
            await server.execute(f"ALTER DATABASE {draft} RENAME TO {database}")
    finally:
        await server.close()
    return database


async def make_floor(data: Path, database: str) -> None:
    """Makes the floor's database."""
    server = await asyncpg.connect(driverless_url(embedded_url(data, "postgres", "postgres")))
    await server.execute(f"CREATE DATABASE {database}")
    await server.execute(f"ALTER DATABASE {database} SET jit = off")
    await server.close()
    connection = await asyncpg.connect(driverless_url(embedded_url(data, "postgres", database)))
    await connection.execute((HERE / "floor.sql").read_text())
    for table, rows in tables().items():
        await copy(connection, "public", table, rows)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def make_seshat(data: Path, database: str) -> None:
    """Makes and migrates a database of Seshat, and fills it with the same rows."""
    admin_url = embedded_url(data, "postgres", database)
    settings = Settings(
        data=data, database_url=embedded_url(data, "app_rw", database), database_admin_url=admin_url
    )
    with redirect_stdout(StringIO()):  # it prints the password of the first user
        await prepare(settings, "own", embedded=True)
    connection = await asyncpg.connect(driverless_url(admin_url))
    roles = {row["name"]: row["id"] for row in await connection.fetch("SELECT name, id FROM platform.roles")}
    for (schema, table), rows in seshat_tables(tables(), roles).items():
        await copy(connection, schema, table, rows)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def copy(connection: asyncpg.Connection, schema: str, table: str, rows: list[Row]) -> None:
    """Stores rows of a table."""
    records, columns = [tuple(row.values()) for row in rows], list(rows[0])
    await connection.copy_records_to_table(table, schema_name=schema, columns=columns, records=records)
