"""Changes of databases of companies: creation with a new company, removal, and repair after a kill."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import delete

from core.errors import Unavailable
from db.database import Database
from db.databases.company_databases import CompanyDatabases, new_name
from db.databases.journal import Busy, Change, Journal, Step, due_changes
from db.databases.servers import ServerError
from db.databases.template import prepare_template
from db.models import PlacementChange
from db.placement import Place
from db.uow import UnitOfWork, finish_anyway

log = structlog.get_logger(__name__)

INTERRUPTED = "The creation of the company was interrupted. Try again in a moment."


@dataclass(frozen=True)
class NewDatabase:
    """A database that is created for a company which is not stored yet."""

    place: Place
    change: Change

    async def settle(self, uow: UnitOfWork) -> None:
        """Ends the creation, in the unit that inserts the company. Raises `Unavailable` if it was undone."""
        ended = delete(PlacementChange).where(
            PlacementChange.id == self.change.id, PlacementChange.step == Step.CREATING.value
        )
        found = await uow.scalar(ended.returning(PlacementChange.id))
        if found is None or not await uow.is_split():
            raise Unavailable(INTERRUPTED)


@asynccontextmanager
async def new_database(
    database: Database, databases: CompanyDatabases, company_id: UUID, server: str
) -> AsyncIterator[NewDatabase]:
    """Creates a database for a company, which is inserted meanwhile by a unit that settles it.

    If it is not, nothing is left behind. Units of the company find their database within the context, before
    the company is stored. Raises `Busy` or `ServerError`.
    """
    place = Place(server, new_name(company_id))
    await prepare_template(databases.server(server))  # before anything is written that has to be undone
    async with Journal.open(databases, company_id) as journal:
        change = await journal.begin(place)
        try:
            await databases.create(place)
            database.placement.remember(company_id, place, is_new=True)
            yield NewDatabase(place, change)
        finally:
            await finish_anyway(undo(database, databases, journal, change))


async def undo(database: Database, databases: CompanyDatabases, journal: Journal, change: Change) -> None:
    """Drops the database if no company was placed in it. What fails here is repaired later."""
    try:
        await remove(databases, journal, change)
    except Exception as error:
        log.warning("database_removal_postponed", company=str(change.company_id), error=error)
    finally:
        database.placement.forget(change.company_id)


async def remove(databases: CompanyDatabases, journal: Journal, change: Change) -> bool:
    """Drops the database of a change, unless a company is placed in it. Raises `ServerError`."""
    if not await journal.claim(change):
        return False
    await databases.drop(change.place)
    await journal.end(change)
    return True


async def repair(databases: CompanyDatabases, report: Callable[[str], None]) -> bool:
    """Undoes creations whose process has ended, and drops databases that are due. Whether all succeeded."""
    is_repaired = True
    for change in await due_changes(databases):
        try:
            async with Journal.open(databases, change.company_id) as journal:
                if await remove(databases, journal, change):
                    report(f"dropped {change.place.database} on {change.place.server}")
        except Busy:
            continue
        except ServerError as error:
            report(f"FAILED: {error}")
            is_repaired = False
    return is_repaired
