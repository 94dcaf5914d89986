"""Projects, as clients see them."""

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
from db.paging import Order
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
from schema.imagery.filters import CrawlJobFilter, CrawlJobOrder
from schema.lazy_types import CrawlJobRef, DrawingSessionRef, DrawingVersionRef, UserRef

enumeration(ProjectStatus)


@enumeration
class ProjectOrder(Enum):
    """How to order projects."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")
    UPDATED_AT_DESC = Order("updated_at", descending=True)
    UPDATED_AT_ASC = Order("updated_at")
    NAME_ASC = Order("name")
    NAME_DESC = Order("name", descending=True)


@input
class ProjectFilter:
    """Which projects to list."""

    status: ProjectStatus | None = None
    """Only those that stand there."""

    user_id: relay.GlobalID | None = None
    """Only this user's."""

    def where(self, project: Any) -> list[ColumnElement[bool]]:
        own = (
            [project.user_id == key_of(self.user_id, models.User, "filter", "userId")] if self.user_id else []
        )
        return own + ([project.status == self.status] if self.status else [])


@node(models.Project)
class Project(relay.Node):
    """A building, a campaign or a data set, and everything known about it."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.Project.user)
    """The owner; null where the viewer may not see them."""

    name: str
    """What people call it."""

    description: str | None
    """What it is about."""

    project_number: str | None
    """Its number outside, such as a contract's."""

    client_name: str | None
    """For whom."""

    location: str | None
    """Where."""

    status: ProjectStatus
    """Where it stands."""

    created_at: datetime
    """When it was made."""

    updated_at: datetime
    """When anything of this last changed."""

    sessions: Connection[DrawingSessionRef] = connection(
        models.Project.sessions, orders=DrawingSessionOrder, filter=DrawingSessionFilter
    )
    """Its drawing comparisons, newest first."""

    drawing_versions: Connection[DrawingVersionRef] = connection(
        models.Project.drawing_versions, orders=DrawingVersionOrder
    )
    """Every revision of every sheet, newest first."""

    crawl_jobs: Connection[CrawlJobRef] = connection(
        models.Project.crawl_jobs, orders=CrawlJobOrder, filter=CrawlJobFilter
    )
    """Its crawls for images, newest first."""

    @field(needs=("id",))
    async def session_count(self, info: Info) -> int:
        """How many drawing comparisons it has."""
        counts = info.context.loaders.count(models.Project.sessions, None, None)
        return int(await counts.load(self.id))

    @field(needs=("id",))
    async def crawl_job_count(self, info: Info) -> int:
        """How many crawls for images it has."""
        counts = info.context.loaders.count(models.Project.crawl_jobs, None, None)
        return int(await counts.load(self.id))

    @field(needs=("id",))
    async def image_count(self, info: Info) -> int:
        """How many images its crawls have, together."""
        return await info.context.loaders.by(projects.image_counts).load(self.id) or 0

    @field(needs=("status",))
    def archived(self) -> bool:
        """Whether it is read-only."""
        return self.status is ProjectStatus.ARCHIVED


@input
class ProjectCreateInput(IdempotentInput):
    """A new project."""

    name: str
    """What people call it."""

    description: str | None = None
    """What it is about."""

    project_number: str | None = None
    """Its number outside."""

    client_name: str | None = None
    """For whom."""

    location: str | None = None
    """Where."""


@input
class ProjectUpdateInput(ConditionalUpdate):
    """What to change; what is left out stays, null clears."""

    name: strawberry.Maybe[str]
    """What people call it."""

    description: strawberry.Maybe[str | None]
    """What it is about."""

    project_number: strawberry.Maybe[str | None]
    """Its number outside."""

    client_name: strawberry.Maybe[str | None]
    """For whom."""

    location: strawberry.Maybe[str | None]
    """Where."""

    status: strawberry.Maybe[ProjectStatus]
    """`ACTIVE` or `COMPLETED`; the others have mutations of their own."""


@output
class ProjectCreatePayload(Payload):
    project: Project | None = None
    """The new project."""


@output
class ProjectUpdatePayload(Payload):
    project: Project | None = None
    """The project as it is now."""


@output
class ProjectArchivePayload(Payload):
    project: Project | None = None
    """The project as it is now."""


@output
class ProjectRestorePayload(Payload):
    project: Project | None = None
    """The project as it is now."""


@output
class ProjectDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """The id of what is gone."""


@output
class ProjectQueries:
    project: Project | None = lookup(models.Project, "A project, by id.")

    projects: Connection[Project] = connection(models.Project, orders=ProjectOrder, filter=ProjectFilter)
    """The company's projects, newest first."""


@output
class ProjectMutations:
    @mutation(idempotent=True)
    async def project_create(self, info: Info, input: ProjectCreateInput) -> ProjectCreatePayload:
        """Make a project; the viewer owns it."""
        async with info.context.write() as uow:
            project = await projects.create(uow, info.context.viewer, input_values(input))
        return ProjectCreatePayload.of(project=project)

    @mutation
    async def project_update(
        self, info: Info, id: relay.GlobalID, input: ProjectUpdateInput
    ) -> ProjectUpdatePayload:
        """Change a project. Archived ones refuse, but for `status: ACTIVE`."""
        given = input_changes(input)
        key = key_of(id, models.Project)
        async with info.context.write() as uow:
            await access.unchanged_since(
                uow, info.context.viewer, models.Project, key, input.expected_updated_at
            )
            project = await projects.update(uow, info.context.viewer, key, given)
        return ProjectUpdatePayload.of(project=project)

    @mutation
    async def project_archive(self, info: Info, id: relay.GlobalID) -> ProjectArchivePayload:
        """Make a project read-only."""
        async with info.context.write() as uow:
            project = await projects.archive(uow, info.context.viewer, key_of(id, models.Project))
        return ProjectArchivePayload.of(project=project)

    @mutation
    async def project_restore(self, info: Info, id: relay.GlobalID) -> ProjectRestorePayload:
        """Make an archived or completed project active again."""
        async with info.context.write() as uow:
            project = await projects.restore(uow, info.context.viewer, key_of(id, models.Project))
        return ProjectRestorePayload.of(project=project)

    @mutation
    async def project_delete(self, info: Info, id: relay.GlobalID) -> ProjectDeletePayload:
        """Delete a project with everything it holds. There is no way back."""
        async with info.context.write() as uow:
            await projects.remove(uow, info.context.viewer, key_of(id, models.Project))
        return ProjectDeletePayload.of(deleted_id=id)
