"""What can be done with projects."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update

from core.errors import Conflict, Invalid
from db.arrays import any_id
from db.models import CrawlJob, Image, Project, ProjectStatus
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.object_removal import remove_crawls_files, remove_sessions_files

LIMITS = {"name": 255, "project_number": 100, "client_name": 255, "location": 255}
PATHS = {"project_number": "projectNumber", "client_name": "clientName"}


async def create(uow: UnitOfWork, viewer: Viewer, given: Mapping[str, Any]) -> Row[Any]:
    """A project of the viewer's."""
    access.require(viewer, "projects:create")
    values = {**_checked(given), "user_id": viewer.user_id}
    project = await uow.one(insert(Project).values(values).returning(Project))
    await activity_log.record(uow, viewer.user_id, "PROJECT_CREATE", "Project", project.id)
    return project


async def change(uow: UnitOfWork, viewer: Viewer, id: UUID, given: Mapping[str, Any]) -> Row[Any]:
    """Change what was given; what was left out stays."""
    access.require(viewer, "projects:update")
    project = await access.find(uow, viewer, Project, id, lock=True)
    if project.status is ProjectStatus.ARCHIVED and given.get("status") is not ProjectStatus.ACTIVE:
        raise Conflict("An archived project is read-only; restore it first.", "id")
    if given.get("status") in (ProjectStatus.ARCHIVED, ProjectStatus.DELETED):
        raise Invalid("Use projectArchive or projectDelete for that.", "input", "status")
    return await _update(uow, viewer, project, "PROJECT_UPDATE", _checked(given))


async def archive(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Make it read-only; archiving an archived project changes nothing."""
    return await _move(uow, viewer, id, "PROJECT_ARCHIVE", ProjectStatus.ARCHIVED)


async def restore(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Row[Any]:
    """Make an archived or completed project active again."""
    return await _move(uow, viewer, id, "PROJECT_RESTORE", ProjectStatus.ACTIVE)


async def remove(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID:
    """Delete it with everything it holds; the files go afterwards, by a job."""
    access.require(viewer, "projects:delete")
    await access.find(uow, viewer, Project, id, lock=True)
    await remove_sessions_files(uow, viewer, project_id=id)
    await remove_crawls_files(uow, viewer, project_id=id)
    await uow.execute(delete(Project).where(Project.id == id))
    await activity_log.record(uow, viewer.user_id, "PROJECT_DELETE", "Project", id)
    return id


async def open_for_work(uow: UnitOfWork, viewer: Viewer, id: UUID, *path: str) -> Row[Any]:
    """The project, if new work may begin in it; archived ones refuse."""
    project = await access.find(uow, viewer, Project, id, *path, lock=True)
    if project.status is ProjectStatus.ARCHIVED:
        raise Conflict("This project is archived; restore it first.", *path)
    return project


async def image_counts(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, int]:
    """How many images the crawls of each project have found, together; none for a project without."""
    statement = (
        select(CrawlJob.project_id, func.count().label("total"))
        .join(Image, Image.crawl_job_id == CrawlJob.id)
        .where(CrawlJob.project_id == any_id(ids))
        .group_by(CrawlJob.project_id)
    )
    return {row.project_id: row.total for row in await uow.all(statement)}


async def _move(uow: UnitOfWork, viewer: Viewer, id: UUID, action: str, status: ProjectStatus) -> Row[Any]:
    access.require(viewer, "projects:update")
    project = await access.find(uow, viewer, Project, id, lock=True)
    return await _update(uow, viewer, project, action, {} if project.status is status else {"status": status})


async def _update(
    uow: UnitOfWork, viewer: Viewer, project: Row[Any], action: str, values: Mapping[str, Any]
) -> Row[Any]:
    if not values:
        return project
    changed = await uow.one(update(Project).where(Project.id == project.id).values(values).returning(Project))
    await activity_log.record(uow, viewer.user_id, action, "Project", project.id, fields=sorted(values))
    return changed


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(given)
    for field, limit in LIMITS.items():
        if field in values:
            check = validators.name if field == "name" else validators.optional
            value = values[field] if field != "name" else values[field] or ""
            values[field] = check(value, "input", PATHS.get(field, field), limit=limit)
    if values.get("description") is not None:
        values["description"] = validators.text(values["description"], "input", "description")
    if "status" in values and values["status"] is None:
        raise Invalid("This cannot be cleared.", "input", "status")
    return values
