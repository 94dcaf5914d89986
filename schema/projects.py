"""Projects."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement
from strawberry import relay

from db import models
from db.models import ProjectStatus
from db.pagination import Order
from resolvers import access, projects
from schema.drawings.filters import DrawingSessionFilter, DrawingSessionOrder, DrawingVersionOrder
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import Connection, connection, lookup, relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import (
    ConditionalUpdate,
    IdempotentInput,
    Payload,
    field,
    input_changes,
    input_values,
    mutation,
)
from schema.imagery.filters import CrawlJobFilter, CrawlJobOrder, DatasetOrder
from schema.lazy_types import CrawlJobRef, DatasetRef, DrawingSessionRef, DrawingVersionRef, UserRef

enumeration(ProjectStatus)


@enumeration
class ProjectOrder(Enum):
    """Sort orders of projects."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")
    UPDATED_AT_DESC = Order("updated_at", descending=True)
    UPDATED_AT_ASC = Order("updated_at")
    NAME_ASC = Order("name")
    NAME_DESC = Order("name", descending=True)


@input
class ProjectFilter:
    """Conditions for listing projects."""

    status: ProjectStatus | None = None
    """Matches items in this state."""

    user_id: relay.GlobalID | None = None
    """Matches projects owned by this user."""

    def where(self, project: Any) -> list[ColumnElement[bool]]:
        own = (
            [project.user_id == key_of(self.user_id, models.User, "filter", "userId")] if self.user_id else []
        )
        return own + ([project.status == self.status] if self.status else [])


@node(models.Project)
class Project(relay.Node):
    """A project, such as a building, a campaign or a data set, with everything that belongs to it."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.Project.user)
    """Owner of the project. Null if not visible to the viewer."""

    name: str
    """Name of the project."""

    description: str | None
    """Description of the project."""

    project_number: str | None
    """External project number, such as a contract number."""

    client_name: str | None
    """Name of the client."""

    location: str | None
    """Location of the project."""

    status: ProjectStatus
    """Lifecycle state of the project."""

    auto_compare: bool
    """Whether a new issue of a drawing set is compared with the last one as soon as it is taken in."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""

    sessions: Connection[DrawingSessionRef] = connection(
        models.Project.sessions, orders=DrawingSessionOrder, filter=DrawingSessionFilter
    )
    """Drawing sessions of the project, newest first."""

    drawing_versions: Connection[DrawingVersionRef] = connection(
        models.Project.drawing_versions, orders=DrawingVersionOrder
    )
    """Revisions of all sheets of the project, newest first."""

    crawl_jobs: Connection[CrawlJobRef] = connection(
        models.Project.crawl_jobs, orders=CrawlJobOrder, filter=CrawlJobFilter
    )
    """Image crawls of the project, newest first."""

    datasets: Connection[DatasetRef] = connection(models.Project.datasets, orders=DatasetOrder)
    """Image data sets of the project, newest first."""

    @field(needs=("id",))
    async def session_count(self, info: Info) -> int:
        """Number of drawing sessions of the project."""
        counts = info.context.loaders.count(models.Project.sessions, None, None)
        return int(await counts.load(self.id))

    @field(needs=("id",))
    async def crawl_job_count(self, info: Info) -> int:
        """Number of image crawls of the project."""
        counts = info.context.loaders.count(models.Project.crawl_jobs, None, None)
        return int(await counts.load(self.id))

    @field(needs=("id",))
    async def image_count(self, info: Info) -> int:
        """Number of images in all crawls of the project."""
        return await info.context.loaders.by(projects.image_counts).load(self.id) or 0

    @field(needs=("status",))
    def archived(self) -> bool:
        """Whether the project is read-only."""
        return self.status is ProjectStatus.ARCHIVED


@input
class ProjectCreateInput(IdempotentInput):
    """Input of `projectCreate`."""

    name: str
    """Name of the project."""

    description: str | None = None
    """Description of the project."""

    project_number: str | None = None
    """External project number."""

    client_name: str | None = None
    """Name of the client."""

    location: str | None = None
    """Location of the project."""

    auto_compare: bool = False
    """Whether a new issue of a drawing set is compared with the last one as soon as it is taken in."""


@input
class ProjectUpdateInput(ConditionalUpdate):
    """Fields to change. Fields that are omitted keep their value. Null clears a field."""

    name: strawberry.Maybe[str]
    """Name of the project."""

    description: strawberry.Maybe[str | None]
    """Description of the project."""

    project_number: strawberry.Maybe[str | None]
    """External project number."""

    client_name: strawberry.Maybe[str | None]
    """Name of the client."""

    location: strawberry.Maybe[str | None]
    """Location of the project."""

    status: strawberry.Maybe[ProjectStatus]
    """`ACTIVE` or `COMPLETED`. For the other states use `projectArchive` and `projectDelete`."""

    auto_compare: strawberry.Maybe[bool]
    """Whether a new issue of a drawing set is compared with the last one as soon as it is taken in."""


@output
class ProjectCreatePayload(Payload):
    project: Project | None = None
    """The new project."""


@output
class ProjectUpdatePayload(Payload):
    project: Project | None = None
    """The updated project."""


@output
class ProjectArchivePayload(Payload):
    project: Project | None = None
    """The updated project."""


@output
class ProjectRestorePayload(Payload):
    project: Project | None = None
    """The updated project."""


@output
class ProjectDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class ProjectQueries:
    project: Project | None = lookup(models.Project, "Looks up a project by ID.")

    projects: Connection[Project] = connection(models.Project, orders=ProjectOrder, filter=ProjectFilter)
    """Lists the projects of the company, newest first."""


@output
class ProjectMutations:
    @mutation(idempotent=True)
    async def project_create(self, info: Info, input: ProjectCreateInput) -> ProjectCreatePayload:
        """Create a project that is owned by the viewer."""
        async with info.context.write() as uow:
            project = await projects.create(uow, info.context.viewer, input_values(input))
        return ProjectCreatePayload.of(project=project)

    @mutation
    async def project_update(
        self, info: Info, id: relay.GlobalID, input: ProjectUpdateInput
    ) -> ProjectUpdatePayload:
        """Update a project. An archived project accepts only `status: ACTIVE`."""
        values = input_changes(input)
        key = key_of(id, models.Project)
        async with info.context.write() as uow:
            await access.require_unchanged(
                uow, info.context.viewer, models.Project, key, input.expected_updated_at
            )
            project = await projects.update(uow, info.context.viewer, key, values)
        return ProjectUpdatePayload.of(project=project)

    @mutation
    async def project_archive(self, info: Info, id: relay.GlobalID) -> ProjectArchivePayload:
        """Archive a project, which makes it read-only."""
        async with info.context.write() as uow:
            project = await projects.archive(uow, info.context.viewer, key_of(id, models.Project))
        return ProjectArchivePayload.of(project=project)

    @mutation
    async def project_restore(self, info: Info, id: relay.GlobalID) -> ProjectRestorePayload:
        """Restore an archived or completed project to `ACTIVE`."""
        async with info.context.write() as uow:
            project = await projects.restore(uow, info.context.viewer, key_of(id, models.Project))
        return ProjectRestorePayload.of(project=project)

    @mutation
    async def project_delete(self, info: Info, id: relay.GlobalID) -> ProjectDeletePayload:
        """Delete a project with everything that belongs to it. This cannot be undone."""
        async with info.context.write() as uow:
            await projects.delete(uow, info.context.viewer, key_of(id, models.Project))
        return ProjectDeletePayload.of(deleted_id=id)
