"""Databases on the server of a test."""

from dataclasses import dataclass, field

import asyncpg
from sqlalchemy.engine import make_url

from core.settings import driverless_url
from db.placement import Place

TEMPLATE = "company_move_template"


def address(url: str, database: str) -> str:
    """The same address for another database."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@dataclass
class CopiedDatabases:
    """Databases on the test's server; all of them are copies of the template."""

    admin: str
    primary: str
    created: list[str] = field(default_factory=list)

    def url(self, place: Place | None) -> str:
        return address(self.admin, self.primary if place is None else place.database)

    async def create(self, place: Place) -> None:
        await self.copy_template(place.database)

    async def copy_template(self, name: str) -> None:
        """Creates a database unless it exists."""
        self.created.append(name)
        if not await self.exists(name):
            await self.run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER app_owner")

    async def drop(self, place: Place) -> None:
        await self.run(f"DROP DATABASE IF EXISTS {place.database} WITH (FORCE)")

    async def exists(self, name: str) -> bool:
        """Whether there is a database of this name."""
        return bool(await self.run("SELECT FROM pg_database WHERE datname = $1", name))

    async def run(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Runs a statement on the server."""
        return await fetch(address(self.admin, "postgres"), statement, *values)


async def fetch(url: str, statement: str, *values: object) -> list[asyncpg.Record]:
    """Rows of a statement on a connection of its own, as a superuser."""
    connection = await asyncpg.connect(driverless_url(url))
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()
