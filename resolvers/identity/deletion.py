"""Deletion of users and companies with their data."""

from uuid import UUID

from sqlalchemy import delete, exists, func, insert, select, text, update

from core.errors import Conflict, Forbidden
from core.settings import Settings
from db.database import Database
from db.events import publish
from db.models import (
    Company,
    CompanyKind,
    CrawlJob,
    Document,
    DrawingSession,
    Lease,
    LeaseState,
    Member,
    Project,
    Role,
    SessionStatus,
    Tenant,
    Upload,
    User,
    UserStatus,
)
from db.placement import Place
from db.uow import UnitOfWork
from resolvers import access, activity_log, files
from resolvers.access import Viewer
from resolvers.identity import placement, refresh_tokens
from resolvers.identity.roles import outranks
from resolvers.knowledge import vector_sync
from resolvers.knowledge.vector_sync import ForgetCompany, ForgetDocument
from resolvers.object_removal import crawl_prefix, remove_objects, session_prefix

LONG_TIMEOUTS = text(
    "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '10s', true)"
)
"""Deleting a company may take minutes."""


async def company_of_user(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID | None:
    """The company of a user. Raises `NotFound` if the viewer does not see the user."""
    company_id: UUID | None = (await access.find(uow, viewer, User, id, columns=[User.company_id])).company_id
    return company_id


async def delete_user(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID:
    """Delete a user of the unit's company with their projects, conversations, documents and uploads.

    Activity and token usage are kept. A job deletes the files.
    """
    access.require(viewer, "users:delete")
    user = await access.find(uow, viewer, User, id, lock=True)
    if id == viewer.user_id:
        raise Conflict("You cannot delete your own account.", "id")
    role = await uow.scalar(select(Role.name).where(Role.id == user.role_id))
    if not outranks(viewer.role, role):
        raise Forbidden(f"Your role, {viewer.role.value}, cannot manage a {role.value}.", "id")
    prefixes = await _file_prefixes(uow, id)
    documents = await uow.all(select(Document.id).where(Document.uploaded_by_id == id))
    uow.tenant_first = True  # what is interrupted in between can be repeated
    await uow.execute(delete(Member).where(Member.id == id))
    await uow.execute(delete(User).where(User.id == id))
    if prefixes:
        await remove_objects(uow, viewer, *prefixes)
    for document in documents:
        await vector_sync.enqueue(uow, viewer, ForgetDocument(document.id))
    await publish(uow, f"user:{id}")
    logged = activity_log.outsider(uow, viewer)
    await activity_log.record(
        uow, activity_log.requester_id(uow, viewer), "USER_DELETE", "User", id, **logged
    )
    return id


async def _file_prefixes(uow: UnitOfWork, user_id: UUID) -> list[str]:
    """Prefixes of a user's files. Raises `Conflict` while jobs of their projects are running."""
    own = select(Project.id).where(Project.user_id == user_id)
    sessions = select(DrawingSession.id, DrawingSession.status).where(DrawingSession.project_id.in_(own))
    found = await uow.all(sessions.order_by(DrawingSession.id).with_for_update())
    crawls = [row.id for row in await uow.all(select(CrawlJob.id).where(CrawlJob.project_id.in_(own)))]
    working = select(exists().where(Lease.company_id == uow.company_id, Lease.id.in_(crawls)))
    if any(row.status is SessionStatus.PROCESSING for row in found) or await uow.scalar(working):
        raise Conflict("Jobs of this user's projects are running. Cancel them first.", "id")
    uploads = await uow.all(select(Upload.id).where(Upload.user_id == user_id))
    return [
        *(session_prefix(uow.company_id, row.id) for row in found),
        *(crawl_prefix(uow.company_id, id) for id in crawls),
        *(f"{files.folder(uow.company_id, row.id)}/" for row in uploads),
    ]


async def delete_company(database: Database, settings: Settings, viewer: Viewer, id: UUID) -> UUID:
    """Delete an inactive company with all its data; its users are suspended and left without a company.

    A database of its own is dropped after `DATABASE_RETENTION`. Two transactions: one deletes the company,
    one in the platform company enqueues the removal of its files.
    """
    access.require(viewer, "platform:manage")
    async with database.tenant(id, viewer.user_id, kind="platform") as uow:
        company = await access.find(uow, viewer, Company, id, lock=True)
        if company.kind is CompanyKind.PLATFORM:
            raise Conflict("The platform company cannot be deleted.", "id")
        await _require_idle(uow, company)
        if company.database_server is not None and company.database_name is not None:
            place = Place(company.database_server, company.database_name)
            await placement.drop_later(uow, settings, place)
        else:
            await _delete_rows(uow, id)
        for person in await uow.all(select(User.id).where(User.company_id == id)):
            await refresh_tokens.revoke_all(uow, person.id)
        gone = {"status": UserStatus.SUSPENDED, "company_id": None, "updated_at": func.now()}
        await uow.execute(update(User).where(User.company_id == id).values(gone))
        await uow.execute(delete(Company).where(Company.id == id))
    async with database.transaction(viewer.scope) as uow:
        await remove_objects(uow, viewer, f"{id}/")
        await vector_sync.enqueue(uow, viewer, ForgetCompany(id))
        await activity_log.record(uow, viewer.user_id, "COMPANY_DELETE", "Company", id, name=company.name)
    return id


async def clear_company(database: Database, id: UUID) -> None:
    """Delete the rows of an inactive company in one transaction; the company and its users stay.

    The caller deletes its files and vectors. Raises `NotFound` or `Conflict`.
    """
    async with database.tenant(id, kind="platform") as uow:
        company = await uow.first(select(Company).where(Company.id == id))
        if company is None:
            raise access.not_found(Company, "id")
        await _require_idle(uow, company)
        members = await uow.all(select(Member.id))
        await _delete_rows(uow, id)
        await uow.execute(insert(Tenant).values(company_id=id))
        if members:
            await uow.execute(insert(Member).values([{"id": member.id} for member in members]))


async def _require_idle(uow: UnitOfWork, company: Company) -> None:
    """Refuse a company that people or jobs may use, or whose placement changes. Raises `Conflict`."""
    if company.is_active:
        raise Conflict(
            "This company is active. Deactivate it first: companyUpdate with isActive false.", "id"
        )
    busy = exists().where(Lease.company_id == company.id, Lease.state != LeaseState.QUEUED)
    if await uow.scalar(select(busy)):
        raise Conflict("Jobs of this company are running. Cancel them first.", "id")
    await placement.require_settled(uow)


async def _delete_rows(uow: UnitOfWork, company_id: UUID) -> None:
    """Delete all rows of the company, and its row in `tenants`."""
    uow.tenant_first = True
    await uow.execute(LONG_TIMEOUTS)
    await uow.execute(delete(Lease).where(Lease.company_id == company_id))
    await uow.execute(delete(Tenant).where(Tenant.company_id == company_id))
