"""The command `seshat reset`: deletes the data of the installation, or of one company."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from sqlalchemy.engine import make_url

from core.errors import DomainError, InstallationError
from core.settings import Settings
from core.settings.placement import PRIMARY
from db.database import Database
from db.databases.company_databases import CompanyDatabases, drop_database
from db.databases.servers import Server, administer, with_database
from db.migrate import upgrade
from db.placement import Place, Placement
from db.provision import APPLICATION, provision
from providers.storage import open_store
from resolvers.identity.deletion import clear_company
from resolvers.object_removal import delete_objects
from server.commands.company import find_companies
from server.embedded.vectors import vectors_of
from server.installation import admin_url, database_urls, open_database
from server.provider_factory import open_vectors

CONNECTED = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND datname = $2"

REMOVALS = "SELECT count(*) FROM platform.leases WHERE task = 'RemoveObjects'"
"""Jobs that delete files of deleted rows, which nothing else knows."""

PLACES = """
SELECT database_server, database_name FROM platform.companies WHERE database_name IS NOT NULL
UNION SELECT database_server, database_name FROM platform.placement_changes WHERE database_name IS NOT NULL
"""
"""Databases of companies, also of those that are deleted, or are being created or moved."""

NO_BACKUP = (
    "Seshat knows of no backup of this data: back up the databases and the files, and repeat the command "
    "with --force"
)


class ResetRefused(InstallationError):
    """Nothing was deleted; the message is one line with the reason."""


def run(settings: Settings, options: Namespace) -> int:
    """`seshat reset`."""
    if not options.force:
        raise ResetRefused(NO_BACKUP)
    return asyncio.run(reset(settings, options.company, options.confirm))


async def reset(settings: Settings, company: str | None, confirmed: str | None) -> int:
    """Deletes the data of a company (ID or name), or everything. Returns the exit code."""
    async with open_everything(settings) as ready:
        databases = CompanyDatabases.of(ready)
        if company is None:
            await reset_installation(ready, databases, confirmed)
        else:
            await reset_company(ready, databases, company, confirmed)
    return 0


@asynccontextmanager
async def open_everything(settings: Settings) -> AsyncIterator[Settings]:
    """Settings with a running database and vector store."""
    async with vectors_of(settings, "share") as with_vectors, open_database(with_vectors) as ready:
        yield ready


def confirm(expected: str, confirmed: str | None) -> None:
    """Asks for the name of what is deleted, unless it was given. Raises `ResetRefused` for another one."""
    if confirmed is None:
        print(f"This deletes the data of {expected} for good. Type its name: ", end="", flush=True)
        confirmed = sys.stdin.readline().strip()
    if confirmed != expected:
        raise ResetRefused(f"the name is not {expected}: nothing was deleted")


async def reset_installation(settings: Settings, databases: CompanyDatabases, confirmed: str | None) -> None:
    """Drops all databases, and leaves a migrated one without rows. Files and vectors are deleted first."""
    application, admin = database_urls(settings)
    name = make_url(application).database or ""
    url = admin_url(settings)
    async with administer(databases.server(PRIMARY), name) as connection:
        if await connection.fetchval(CONNECTED, APPLICATION, name):
            raise ResetRefused(f"servers or workers use {name}: stop them first")
        if waiting := await connection.fetchval(REMOVALS):
            raise ResetRefused(f"{waiting} removals of files wait for a worker: let it finish them first")
        confirm(name, confirmed)
        companies = [row["id"] for row in await connection.fetch("SELECT id FROM platform.companies")]
        places = [Place(*row) for row in await connection.fetch(PLACES)]
        models = await connection.fetch("SELECT name, dimension FROM platform.embedding_models")
    async with AsyncExitStack() as stack:
        vectors = open_vectors(settings, stack, preload=False)
        for model in models:
            await vectors.drop(model["name"], model["dimension"])
    store = open_store(settings.object_store_url)
    for company_id in companies:
        await delete_objects(store, f"{company_id}/")
    for place in places:
        await databases.drop(place)
    await drop_database(maintenance(databases.server(PRIMARY)), name)
    await provision(admin or url, application)
    await asyncio.to_thread(upgrade, url)
    print(f"{name} is empty: {len(companies)} companies with their files and vectors are deleted")


def maintenance(server: Server) -> Server:
    """The server with a database of its administrator that is not Seshat's, which is to be dropped."""
    return replace(server, admin_url=with_database(server.admin(), "postgres"))


async def reset_company(
    settings: Settings, databases: CompanyDatabases, company: str, confirmed: str | None
) -> None:
    """Deletes the rows, files and vectors of a company, which must be inactive; its users stay."""
    found = await find_companies(databases, company)
    if len(found) != 1:
        raise ResetRefused(f"{len(found) or 'no'} companies are called {company}: give an ID")
    [row] = found
    confirm(row["name"], confirmed)
    application, _ = database_urls(settings)
    database = Database(Placement(settings, application))
    try:
        await clear_company(database, row["id"])
    except DomainError as error:
        raise ResetRefused(str(error)) from error
    finally:
        await database.close()
    await delete_objects(open_store(settings.object_store_url), f"{row['id']}/")
    async with AsyncExitStack() as stack:
        await open_vectors(settings, stack, preload=False).delete(row["id"])
    print(f"{row['name']} is empty: its users stay, its files and vectors are deleted")
