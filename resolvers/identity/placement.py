"""Placement of companies: in the shared database, or in one of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

import structlog
from sqlalchemy import exists, select

from core.errors import Conflict, Invalid, Unavailable
from core.settings import Settings
from core.settings.placement import PRIMARY
from db.database import Database
from db.databases import journal
from db.databases.changes import NewDatabase, new_database
from db.databases.company_databases import CompanyDatabases, new_name
from db.databases.journal import Busy
from db.databases.servers import NoAdministrator, ServerError
from db.models import Company, CompanyKind, PlacementChange, ProcessingJob, ProcessingJobType
from db.placement import Place
from db.queue import Job
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer
from resolvers.jobs import start_processing

log = structlog.get_logger(__name__)

BEING_CHANGED = "The placement of this company is being changed. Try again when that is finished."
NOT_ADMINISTERED = "Databases cannot be created on this server: the URL of its administrator is not set."
SERVER_UNAVAILABLE = "The database server is temporarily unavailable. Try again in a moment."


class BeingChanged(Conflict):
    """Another change of the company's placement is not finished."""


@dataclass(frozen=True)
class MoveCompany(Job):
    """Move a company to a database of its own, or to the shared one; a job of the platform company."""

    moved_id: UUID
    server: str | None
    database: str | None
    queue: ClassVar[str] = "upkeep"
    retry_deadline: ClassVar[timedelta] = timedelta(hours=1)


def default_server(settings: Settings) -> str | None:
    """The server on which a new company has a database of its own; None for the shared database."""
    return PRIMARY if settings.company_placement == "dedicated" else None


def choose_server(
    settings: Settings, viewer: Viewer, *, dedicated: bool | None, server: str | None
) -> str | None:
    """The server that an input chooses for a database of the company's own; None for the shared database.

    To choose requires `platform:manage`. Raises `Invalid` for an unknown server.
    """
    if dedicated is None and server is None:
        return default_server(settings)
    access.require(viewer, "platform:manage")
    if dedicated is False:
        if server is not None:
            raise Invalid("A company in the shared database has no server of its own.", "input", "server")
        return None
    names = [PRIMARY, *settings.database_servers]
    if server is not None and server not in names:
        raise Invalid(f"There is no database server {server}: choose {', '.join(names)}.", "input", "server")
    return server or PRIMARY


@asynccontextmanager
async def new_place(
    database: Database, settings: Settings, company_id: UUID, server: str | None
) -> AsyncIterator[NewDatabase | None]:
    """Creates a database on the server for a company that is inserted meanwhile. Without a server, nothing.

    If the company is not inserted, nothing is left behind. Raises `Conflict` or `Unavailable`.
    """
    if server is None:
        yield None
        return
    try:
        async with new_database(database, CompanyDatabases.of(settings), company_id, server) as new:
            yield new
    except Busy as error:
        raise BeingChanged(BEING_CHANGED) from error
    except NoAdministrator as error:
        raise Conflict(NOT_ADMINISTERED) from error
    except ServerError as error:
        log.warning("database_not_created", company=str(company_id), error=error)
        raise Unavailable(SERVER_UNAVAILABLE) from error


async def move(
    uow: UnitOfWork, settings: Settings, viewer: Viewer, id: UUID, *, dedicated: bool, server: str | None
) -> tuple[Company, ProcessingJob | None]:
    """Enqueue the move of a company, in a unit of the platform company. No job if it is there already."""
    access.require(viewer, "platform:manage")
    company = await access.find(uow, viewer, Company, id, lock=True)
    chosen = choose_server(settings, viewer, dedicated=dedicated, server=server)
    if company.kind is CompanyKind.PLATFORM:
        raise Conflict("The platform company is moved by the command `seshat company move`.", "id")
    if await uow.scalar(select(exists().where(PlacementChange.company_id == id))):
        raise Conflict(BEING_CHANGED, "id")
    if company.database_server == chosen:
        return company, None
    job = MoveCompany(id, chosen, new_name(id) if chosen else None)
    requester_id = activity_log.requester_id(uow, viewer)
    row = await start_processing(uow, job, ProcessingJobType.UPKEEP, "placement of a company", requester_id)
    await activity_log.record(
        uow, requester_id, "COMPANY_PLACE", "Company", id, dedicated=dedicated, server=chosen
    )
    return company, await uow.one(select(ProcessingJob).where(ProcessingJob.id == row))


async def require_settled(uow: UnitOfWork) -> None:
    """Raises `Conflict` while the placement of the unit's company is changed."""
    if await uow.scalar(select(exists().where(PlacementChange.company_id == uow.company_id))):
        raise Conflict(BEING_CHANGED, "id")


async def drop_later(uow: UnitOfWork, settings: Settings, place: Place) -> None:
    """Let the database of the unit's company, which is deleted, be dropped after `DATABASE_RETENTION`.

    Raises `Conflict` while the placement of the company is changed.
    """
    due_at = datetime.now(UTC) + timedelta(seconds=settings.database_retention)
    if not await journal.drop_later(uow, place, due_at):
        raise Conflict(BEING_CHANGED, "id")
