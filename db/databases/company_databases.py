"""Creation and removal of the databases of companies, and the rights of the application there."""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Self
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url

from core.settings import Settings
from core.settings.placement import PRIMARY
from db.databases.servers import Server, ServerError, administer, servers_of
from db.databases.template import prepare_template
from db.placement import Place
from db.provision import OWNER, restrict_connections
from db.revisions import one_line

ATTEMPTS = 3
"""Attempts to copy the template: a process of another version may drop it before."""

EXISTS = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"


@dataclass(frozen=True)
class CompanyDatabases:
    """The databases of an installation, for an administrator. None is the shared one, the primary."""

    servers: Mapping[str, Server]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The databases on the servers of the settings, whose `DATABASE_URL` must be known."""
        return cls(servers_of(settings))

    def server(self, name: str) -> Server:
        """A server of the settings. Raises `ServerError`."""
        if name not in self.servers:
            raise ServerError(f"DATABASE_SERVERS: there is no server {name}")
        return self.servers[name]

    def url(self, place: Place | None) -> str:
        """URL of a database for the administrator. Raises `ServerError`."""
        if place is None:
            primary = self.servers[PRIMARY]
            return primary.admin(make_url(primary.application_url).database)
        return self.server(place.server).admin(place.database)

    async def create(self, place: Place) -> None:
        """Creates a migrated database without rows, unless it exists. Raises `ServerError`."""
        await create_database(self.server(place.server), place.database)

    async def drop(self, place: Place) -> None:
        """Drops a database, also while it is in use, if it exists. Raises `ServerError`."""
        await drop_database(self.server(place.server), place.database)


def new_name(company_id: UUID) -> str:
    """A name for a database of the company, which no earlier one has had."""
    return f"seshat_{company_id.hex}_{token_hex(2)}"


async def create_database(server: Server, name: str) -> None:
    """Creates a database of a company from the template. Idempotent. Raises `ServerError`.

    Nobody can connect before the rights are complete: those on a database are not copied.
    """
    for attempt in range(1, ATTEMPTS + 1):
        template = await prepare_template(server)
        async with administer(server) as admin:
            try:
                await _create(admin, name, template)
                return
            except asyncpg.InvalidCatalogNameError as error:
                if attempt == ATTEMPTS:
                    raise ServerError(f"the template on {server.name} is missing") from error
            except asyncpg.PostgresError as error:
                raise ServerError(f"{name} cannot be created: {one_line(error)}") from error


async def _create(admin: asyncpg.Connection, name: str, template: str) -> None:
    quoted = await admin.fetchval("SELECT quote_ident($1)", name)
    if not await admin.fetchval(EXISTS, name):
        await admin.execute(
            f"CREATE DATABASE {quoted} OWNER {OWNER} TEMPLATE {template} ALLOW_CONNECTIONS false"
        )
    async with admin.transaction():
        await admin.execute(f"SET LOCAL ROLE {OWNER}")
        await restrict_connections(admin, quoted)
    await admin.execute(f"ALTER DATABASE {quoted} WITH ALLOW_CONNECTIONS true")


async def drop_database(server: Server, name: str) -> None:
    """Drops a database of a company, also while it is in use. Idempotent. Raises `ServerError`."""
    async with administer(server) as admin:
        try:
            quoted = await admin.fetchval("SELECT quote_ident($1)", name)
            await admin.execute(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")
        except asyncpg.PostgresError as error:
            raise ServerError(f"{name} cannot be dropped: {one_line(error)}") from error
