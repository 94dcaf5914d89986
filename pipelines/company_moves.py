"""Moves of companies between databases."""

from uuid import UUID

import structlog
from sqlalchemy import select

from core.errors import Conflict, InstallationError
from db.company_move.execution import move_company, repair_company
from db.company_move.journal import Busy
from db.databases.company_databases import CompanyDatabases
from db.databases.servers import ServerError
from db.errors import is_transient
from db.models import Company
from db.placement import Place
from pipelines.knowledge.cleanup import recover_lost_vectors
from pipelines.runtime.faults import Retry
from pipelines.runtime.handlers import Run, Services, handles
from resolvers.files import lost_files
from resolvers.identity.placement import MoveCompany

log = structlog.get_logger(__name__)

RETRY_SECONDS = 5.0


@handles(MoveCompany)
async def move(job: MoveCompany, run: Run) -> None:
    """Moves a company. Safe to repeat: a move that was interrupted is finished or undone first."""
    if run.services.settings.database_admin_url is None:
        raise Conflict(
            "The workers of this installation have no DATABASE_ADMIN_URL: run `seshat company move`."
        )
    databases = CompanyDatabases.of(run.services.settings)
    target = None if job.server is None or job.database is None else Place(job.server, job.database)
    try:
        await repair_company(databases, job.moved_id)
        if not await is_placed(run, job, target):
            await move_company(databases, job.moved_id, target)
    except (Busy, ServerError) as error:
        raise Retry(str(error), after=RETRY_SECONDS) from error
    except InstallationError as error:
        if error.__cause__ is not None and is_transient(error.__cause__):
            raise Retry(str(error), after=RETRY_SECONDS) from error
        raise Conflict(str(error)) from error
    await check_content(run.services, job.moved_id)


async def is_placed(run: Run, job: MoveCompany, target: Place | None) -> bool:
    """Whether the company is where it is to be, or deleted."""
    async with run.services.database.platform(read_only=True) as uow:
        found = await uow.first(
            select(Company.database_server, Company.database_name).where(Company.id == job.moved_id)
        )
    return found is None or tuple(found) == (target or (None, None))


async def check_content(services: Services, company_id: UUID) -> None:
    """Compares the rows of a company that has moved with its files and vectors, which stay where they are.

    Lost vectors are computed again by a job; lost files are named in the log.
    """
    if lost := await lost_files(services.database, services.store, company_id):
        log.error("files_lost", company=str(company_id), files=len(lost), keys=lost[:10])
    await recover_lost_vectors(services, company_id)
