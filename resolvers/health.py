"""How the database is, for who administers."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, exists, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from db.base import PLATFORM, TENANT
from db.models import CrawlJob, Member, Project
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer

ALIVE = text("SELECT 1")
SIZES = text(
    "SELECT n.nspname || '.' || c.relname AS name, pg_total_relation_size(c.oid) AS size, "
    "greatest(c.reltuples, 0)::bigint AS estimated_rows "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    f"WHERE n.nspname IN ('{PLATFORM}', '{TENANT}') AND c.relkind IN ('r', 'p') ORDER BY 1"
)
UNREACHABLE = (SQLAlchemyError, OSError, TimeoutError)


async def table_sizes(uow: UnitOfWork, viewer: Viewer) -> Sequence[Row[Any]] | None:
    """Every table's `name`, `size` (bytes, indexes included) and `estimated_rows`; None out of reach.

    Tables hold the rows of all companies, so only the platform's own people see how large they are; for the
    others the answer is empty.
    """
    access.require(viewer, "admin:access")
    try:
        await uow.execute(ALIVE)
        return await uow.all(SIZES) if viewer.may("platform:manage") else ()
    except UNREACHABLE:
        return None


async def orphans(uow: UnitOfWork, viewer: Viewer) -> Row[Any]:
    """How many of the company's projects have no user, and how many of its crawls no project."""
    access.require(viewer, "admin:access")
    owned = exists().where(Member.id == Project.user_id)
    placed = exists().where(Project.id == CrawlJob.project_id)
    projects = select(func.count()).select_from(Project).where(~owned)
    jobs = select(func.count()).select_from(CrawlJob).where(~placed)
    return await uow.one(
        select(
            projects.scalar_subquery().label("projects_without_user"),
            jobs.scalar_subquery().label("jobs_without_project"),
        )
    )
