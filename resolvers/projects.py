"""Projects: creating, updating, archiving and deleting them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, insert, select

from core.errors import Conflict, Invalid
from db.arrays import any_id
from db.models import CrawlJob, Image, Project, ProjectStatus
from db.uow import UnitOfWork
from resolvers import access, activity_log, validators
from resolvers.access import Viewer
from resolvers.object_removal import remove_crawls_files, remove_datasets_files, remove_sessions_files
from resolvers.rows import update_row

USE_OTHER_MUTATION = "status cannot be set to ARCHIVED or DELETED. Use projectArchive or projectDelete."


async def create(uow: UnitOfWork, viewer: Viewer, values: Mapping[str, Any]) -> Project:
    """Create a project that the viewer owns."""
    access.require(viewer, "projects:create")
    fields = {**validators.values(Project, values, "input"), "user_id": viewer.user_id}
    project = await uow.one(insert(Project).values(fields).returning(Project))
    await activity_log.record(uow, viewer.user_id, "PROJECT_CREATE", "Project", project.id)
    return project


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, changes: Mapping[str, Any]) -> Project:
    """Update a project. An archived one can only be made active."""
    access.require(viewer, "projects:update")
    project = await access.find(uow, viewer, Project, id, lock=True)
    if project.status is ProjectStatus.ARCHIVED and changes.get("status") is not ProjectStatus.ACTIVE:
        raise Conflict("An archived project is read-only. Restore it first.", "id")
    if changes.get("status") in (ProjectStatus.ARCHIVED, ProjectStatus.DELETED):
        raise Invalid(
            USE_OTHER_MUTATION,
            "input",
            "status",
        )
    values = validators.values(Project, changes, "input")
    return await update_row(uow, viewer, Project, project, values, "PROJECT_UPDATE")


async def archive(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Project:
    """Make a project read-only. No effect on an archived project."""
    return await _set_status(uow, viewer, id, "PROJECT_ARCHIVE", ProjectStatus.ARCHIVED)


async def restore(uow: UnitOfWork, viewer: Viewer, id: UUID) -> Project:
    """Make an archived or completed project active again."""
    return await _set_status(uow, viewer, id, "PROJECT_RESTORE", ProjectStatus.ACTIVE)


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> UUID:
    """Delete a project with everything in it. A job removes the files."""
    access.require(viewer, "projects:delete")
    await access.find(uow, viewer, Project, id, lock=True)
    await remove_sessions_files(uow, viewer, project_id=id)
    await remove_crawls_files(uow, viewer, project_id=id)
    await remove_datasets_files(uow, viewer, project_id=id)
    await uow.execute(sa.delete(Project).where(Project.id == id))
    await activity_log.record(uow, viewer.user_id, "PROJECT_DELETE", "Project", id)
    return id


async def find_open(uow: UnitOfWork, viewer: Viewer, id: UUID, *path: str) -> Project:
    """The locked project. Raises `Conflict` if it is archived."""
    project = await access.find(uow, viewer, Project, id, *path, lock=True)
    if project.status is ProjectStatus.ARCHIVED:
        raise Conflict("This project is archived. Restore it first.", *path)
    return project


async def image_counts(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, int]:
    """Number of images of all crawls of each project. Projects without images are left out."""
    statement = (
        select(CrawlJob.project_id, func.count().label("total"))
        .join(Image, Image.crawl_job_id == CrawlJob.id)
        .where(CrawlJob.project_id == any_id(ids))
        .group_by(CrawlJob.project_id)
    )
    return {row.project_id: row.total for row in await uow.all(statement)}


async def _set_status(
    uow: UnitOfWork, viewer: Viewer, id: UUID, action: str, status: ProjectStatus
) -> Project:
    access.require(viewer, "projects:update")
    project = await access.find(uow, viewer, Project, id, lock=True)
    values = {} if project.status is status else {"status": status}
    return await update_row(uow, viewer, Project, project, values, action)
