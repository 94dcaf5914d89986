"""Companies of the tests: pooled, or each with a database of its own with `PLACEMENT=dedicated`."""

import os
from collections.abc import Collection
from typing import Literal
from uuid import UUID

import asyncpg

from core.settings import driverless_url
from core.settings.placement import PRIMARY
from db.databases.company_databases import create_database, drop_database, new_name
from db.databases.servers import Server
from db.placement import Place
from tests.planted_secrets import stored_secrets

PLACEMENT: Literal["pooled", "dedicated"] = (
    "dedicated" if os.environ.get("PLACEMENT") == "dedicated" else "pooled"
)
IS_DEDICATED = PLACEMENT == "dedicated"

MAX_CONNECTIONS = 24
"""Connections that are kept to databases, one each, beside those with a transaction."""

NAMES = (
    "SELECT datname FROM pg_database WHERE datname ~ '^seshat_[0-9a-f]{32}_' AND datallowconn ORDER BY oid"
)

CLEAR = (
    "DELETE FROM tenant.tenants; DELETE FROM platform.leases; DELETE FROM platform.outbox; "
    "DELETE FROM platform.departures"
)


class CompanyDatabases:
    """The databases that the tests of this process have made for companies.

    They are used again: a database is made in a second, and cleared in the hundredth part of it.
    """

    def __init__(self) -> None:
        self.server: Server | None = None
        self.secrets: set[str] = set()
        """What was stored in databases that were cleared."""
        self._free: list[Place] = []
        self._connections: dict[Place, asyncpg.Connection] = {}

    @property
    def primary(self) -> Server:
        """The server of this process."""
        assert self.server is not None
        return self.server

    async def take(self, company_id: UUID) -> Place:
        """An empty database for a company."""
        if self._free:
            return self._free.pop()
        place = Place(PRIMARY, new_name(company_id))
        await create_database(self.primary, place.database)
        return place

    async def places(self, primary: asyncpg.Connection) -> list[Place]:
        """The databases that companies have, or had, in the order of their creation."""
        names = [row["datname"] for row in await primary.fetch(NAMES)]
        return [place for name in names if (place := Place(PRIMARY, name)) not in self._free]

    async def free(self, places: Collection[Place]) -> None:
        """Clears databases for other companies, or drops those that are in use or broken."""
        for place in places:
            try:
                connection = await self.connect(place)
                self.secrets.update(await stored_secrets(connection))
                await connection.execute(CLEAR)
            except asyncpg.PostgresError:
                await drop_database(self.primary, place.database)
            else:
                self._free.append(place)

    async def connect(self, place: Place) -> asyncpg.Connection:
        """A connection of the administrator to a database."""
        connection = self._connections.pop(place, None)
        if connection is None or connection.is_closed():
            url = driverless_url(self.primary.admin(place.database))
            connection = await asyncpg.connect(url, server_settings={"lock_timeout": "5s"})
        self._connections[place] = connection
        idle = [kept for kept, one in self._connections.items() if not one.is_in_transaction()]
        for kept in idle[:-MAX_CONNECTIONS]:
            await self._connections.pop(kept).close()
        return connection

    async def close(self) -> None:
        """Closes the connections before the end of the server."""
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()
        self._free.clear()


DATABASES = CompanyDatabases()
