"""Database health."""

from __future__ import annotations

from enum import Enum
from typing import Any

from resolvers import health
from schema.framework.context import Info
from schema.framework.decorators import enumeration, output
from schema.framework.payloads import Payload, field, mutation
from schema.framework.scalars import BigInt


@enumeration
class HealthStatus(Enum):
    """Whether the database is reachable."""

    HEALTHY = "healthy"
    """The database responds."""
    UNHEALTHY = "unhealthy"
    """The database does not respond."""


@enumeration
class VectorStoreStatus(Enum):
    """Whether documents can be searched."""

    AVAILABLE = "available"
    """The vector store responds and is complete."""
    REBUILDING = "rebuilding"
    """Files were damaged. Documents cannot be searched until their vectors have been stored again."""
    UNAVAILABLE = "unavailable"
    """The vector store does not respond."""


@output
class TableSize:
    """Size of a database table."""

    name: str
    """Name of the table with its schema, such as `tenant.projects`."""

    size: BigInt
    """Size in bytes, including indexes."""

    estimated_rows: BigInt
    """Estimated number of rows, from the statistics of the query planner."""


@output
class DatabaseHealth:
    """Health and size of the database."""

    status: HealthStatus
    """Health of the database."""

    error: str | None
    """Error message, or null if healthy."""

    tables: list[TableSize]
    """All tables of the primary database, by name. Databases of companies of their own are not included.
    Empty unless the viewer is a platform administrator, because tables hold the rows of all companies.
    """

    @field
    async def vector_store(self, info: Info) -> VectorStoreStatus:
        """Status of the vector store."""
        rebuilding = await health.is_rebuilding(info.context.services.vectors)
        if rebuilding is None:
            return VectorStoreStatus.UNAVAILABLE
        return VectorStoreStatus.REBUILDING if rebuilding else VectorStoreStatus.AVAILABLE


@output
class OrphanCheck:
    """Number of rows whose parent is missing. Foreign keys normally prevent such rows."""

    projects_without_user: int
    """Number of projects without an owner."""

    jobs_without_project: int
    """Number of crawls without a project."""


@output
class OrphanPurgePayload(Payload):
    projects_without_user: int | None = None
    """Number of deleted projects that had no owner."""

    jobs_without_project: int | None = None
    """Number of deleted crawls that had no project."""


@output
class HealthMutations:
    @mutation
    async def orphan_purge(self, info: Info) -> OrphanPurgePayload:
        """Delete the rows that `orphanCheck` counts, with everything that belongs to them. Requires
        `admin:access`. Such rows exist only if foreign keys were disabled during a restore or import.
        """
        async with info.context.write() as uow:
            projects, jobs = await health.purge_orphans(uow, info.context.viewer)
        return OrphanPurgePayload.of(projects_without_user=projects, jobs_without_project=jobs)


@output
class HealthQueries:
    @field
    async def database_health(self, info: Info) -> DatabaseHealth:
        """Health of the database. Requires `admin:access`."""
        sizes: Any = await health.table_sizes(info.context.read(), info.context.viewer)
        if sizes is None:
            error = "The database does not answer."
            return DatabaseHealth(status=HealthStatus.UNHEALTHY, error=error, tables=[])
        return DatabaseHealth(status=HealthStatus.HEALTHY, error=None, tables=list(sizes))

    @field
    async def orphan_check(self, info: Info) -> OrphanCheck:
        """Counts the rows of the company whose parent is missing. Requires `admin:access`."""
        found: Any = await health.count_orphans(info.context.read(), info.context.viewer)
        counted: OrphanCheck = found
        return counted
