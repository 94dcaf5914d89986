"""Health of the database, for administrators: table sizes and orphaned rows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, exists, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from core.ports import VectorStores, VectorsUnavailable
from db.arrays import any_id
from db.base import PLATFORM, TENANT
from db.models import CrawlJob, Member, Project
from db.planes import in_primary
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer
from resolvers.object_removal import remove_crawls_files, remove_sessions_files

PING = text("SELECT 1")
TABLE_SIZES = in_primary(
    text(
        "SELECT n.nspname || '.' || c.relname AS name, pg_total_relation_size(c.oid) AS size, "
        "greatest(c.reltuples, 0)::bigint AS estimated_rows "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE n.nspname IN ('{PLATFORM}', '{TENANT}') AND c.relkind IN ('r', 'p') ORDER BY 1"
    )
)
HAS_OWNER = exists().where(Member.id == Project.user_id)
HAS_PROJECT = exists().where(Project.id == CrawlJob.project_id)
CONNECTION_ERRORS = (SQLAlchemyError, OSError, TimeoutError)


async def table_sizes(uow: UnitOfWork, viewer: Viewer) -> Sequence[Row[Any]] | None:
    """`name`, `size` (bytes, with indexes) and `estimated_rows` of every table of the primary database.
    None if it is unreachable.

    Tables hold the rows of all companies: without `platform:manage` the result is empty.
    """
    access.require(viewer, "admin:access")
    try:
        await uow.execute(PING)
        return await uow.all(TABLE_SIZES) if viewer.has_permission("platform:manage") else ()
    except CONNECTION_ERRORS:
        return None


async def is_rebuilding(stores: VectorStores) -> bool | None:
    """Whether damaged vectors are being stored again; None if the vector store is unavailable."""
    try:
        return bool(await stores.incomplete()) if await stores.ready() else None
    except VectorsUnavailable:
        return None


async def count_orphans(uow: UnitOfWork, viewer: Viewer) -> Row[Any]:
    """Number of the company's projects without a user, and of its crawls without a project."""
    access.require(viewer, "admin:access")
    projects = select(func.count()).select_from(Project).where(~HAS_OWNER)
    jobs = select(func.count()).select_from(CrawlJob).where(~HAS_PROJECT)
    counts: Row[Any] = await uow.one(
        select(
            projects.scalar_subquery().label("projects_without_user"),
            jobs.scalar_subquery().label("jobs_without_project"),
        )
    )
    return counts


async def purge_orphans(uow: UnitOfWork, viewer: Viewer) -> tuple[int, int]:
    """Delete orphaned projects and crawls with their data; returns how many of each.

    Jobs delete the files. Raises `Conflict` while jobs of one of them are running.
    """
    access.require(viewer, "admin:access")
    projects = await uow.all(select(Project.id).where(~HAS_OWNER).order_by(Project.id).with_for_update())
    crawls = await uow.all(select(CrawlJob.id).where(~HAS_PROJECT).order_by(CrawlJob.id).with_for_update())
    for project in projects:
        await remove_sessions_files(uow, viewer, project_id=project.id)
        await remove_crawls_files(uow, viewer, project_id=project.id)
    for crawl in crawls:
        await remove_crawls_files(uow, viewer, crawl_job_id=crawl.id)
    await uow.execute(delete(CrawlJob).where(CrawlJob.id == any_id([row.id for row in crawls])))
    await uow.execute(delete(Project).where(Project.id == any_id([row.id for row in projects])))
    counted = {"projects": len(projects), "jobs": len(crawls)}
    await activity_log.record(uow, viewer.user_id, "ORPHAN_PURGE", "Company", uow.company_id, **counted)
    return len(projects), len(crawls)
