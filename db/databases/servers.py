"""Servers on which companies have databases of their own, and connections to administer them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from sqlalchemy.engine import make_url

from core.errors import InstallationError
from core.settings import Settings
from core.settings.placement import PRIMARY
from db.provision import connect
from db.revisions import one_line


class ServerError(InstallationError):
    """A server of databases is unknown, cannot be reached, or refuses; the message is one line."""


class NoAdministrator(ServerError):
    """There is no URL with which databases could be created on the server."""


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server: its name in the settings, and URLs of a database on it by role."""

    name: str
    application_url: str = field(repr=False)
    admin_url: str | None = field(repr=False)

    def application(self, database: str) -> str:
        """URL of a database for the application."""
        return with_database(self.application_url, database)

    def admin(self, database: str | None = None) -> str:
        """URL of a database, or of the server, for the administrator. Raises `NoAdministrator`."""
        if self.admin_url is None:
            raise NoAdministrator(no_administrator(self.name))
        return self.admin_url if database is None else with_database(self.admin_url, database)


def no_administrator(server: str) -> str:
    """What is missing for changes of databases on a server."""
    missing = "DATABASE_ADMIN_URL" if server == PRIMARY else f"DATABASE_SERVERS: the admin_url of {server}"
    return f"{missing} is required to create, migrate or drop databases"


def servers_of(settings: Settings) -> Mapping[str, Server]:
    """The servers of an installation by name; `primary` is that of `DATABASE_URL`, which must be known."""
    assert settings.database_url is not None
    primary = Server(PRIMARY, settings.database_url, settings.database_admin_url)
    servers = {PRIMARY: primary}
    for name, server in settings.database_servers.items():
        admin = server.admin_url.get_secret_value() if server.admin_url else None
        servers[name] = Server(name, server.url.get_secret_value(), admin)
    return servers


def with_database(url: str, database: str) -> str:
    """The same address for another database."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@asynccontextmanager
async def administer(server: Server, database: str | None = None) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the administrator to the server, or to a database of it. Raises `ServerError`."""
    try:
        connection = await connect(make_url(server.admin(database)))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise ServerError(
            f"the database server {server.name} cannot be reached: {one_line(error)}"
        ) from error
    try:
        yield connection
    finally:
        await connection.close(timeout=5)
