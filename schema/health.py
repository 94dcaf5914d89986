"""How the database is, for who administers."""

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


@output
class TableSize:
    """One table of the database."""

    name: str
    """With its schema, such as `tenant.projects`."""

    size: BigInt
    """In bytes, indexes included."""

    estimated_rows: BigInt
    """About how many rows it has, as the planner last counted."""


@output
class DatabaseHealth:
    """Whether the database answers, and how large it is."""

    status: HealthStatus
    """Whether it answers."""

    error: str | None
    """What is wrong; null while it is healthy."""

    tables: list[TableSize]
    """Every table, by name: for the platform's own people, because tables hold the rows of all companies."""


@output
class OrphanCheck:
    """Rows that lost what they belong to; the database's foreign keys leave none."""

    projects_without_user: int
    """Projects whose owner is gone."""

    jobs_without_project: int
    """Crawls whose project is gone."""


@output
class OrphanPurgePayload(Payload):
    projects_without_user: int | None = None
    """How many projects are gone whose owner was."""

    jobs_without_project: int | None = None
    """How many crawls are gone whose project was."""


@output
class HealthMutations:
    @mutation
    async def orphan_purge(self, info: Info) -> OrphanPurgePayload:
        """Delete what `orphanCheck` counts, with all that it holds. Needs `admin:access`.

        Foreign keys leave nothing to delete, unless they were off while rows were restored or imported.
        """
        async with info.context.write() as uow:
            projects, jobs = await health.purge(uow, info.context.viewer)
        return OrphanPurgePayload.of(projects_without_user=projects, jobs_without_project=jobs)


@output
class HealthQueries:
    @field
    async def database_health(self, info: Info) -> DatabaseHealth:
        """Whether the database answers. Needs `admin:access`."""
        sizes: Any = await health.table_sizes(info.context.read(), info.context.viewer)
        if sizes is None:
            error = "The database does not answer."
            return DatabaseHealth(status=HealthStatus.UNHEALTHY, error=error, tables=[])
        return DatabaseHealth(status=HealthStatus.HEALTHY, error=None, tables=list(sizes))

    @field
    async def orphan_check(self, info: Info) -> OrphanCheck:
        """How many of the company's rows lost what they belong to. Needs `admin:access`."""
        found: Any = await health.orphans(info.context.read(), info.context.viewer)
        counted: OrphanCheck = found
        return counted
