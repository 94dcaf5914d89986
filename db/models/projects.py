"""Projects: what drawings, images and people are gathered for."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.orm import Mapped

from db.base import (
    Instant,
    Owned,
    Str100,
    Str255,
    TenantModel,
    Touched,
    enumerated,
    indexed,
    owned_by,
    related,
)

if TYPE_CHECKING:
    from db.models.drawings import DrawingSession, DrawingVersion
    from db.models.identity import User
    from db.models.imagery import CrawlJob


class ProjectStatus(Enum):
    """Lifecycle state of a project."""

    ACTIVE = "active"
    """The project is in use."""
    ARCHIVED = "archived"
    """The project is read-only."""
    COMPLETED = "completed"
    """The work on the project is complete."""
    DELETED = "deleted"
    """The project is deleted and hidden until it is purged."""


class Project(Owned, TenantModel):
    """A building, a campaign or a data set, and everything known about it."""

    __tablename__ = "projects"
    __table_args__ = (
        owned_by("members", "user_id"),
        indexed("user_id", "name"),
        indexed("user_id", "created_at", "id"),
        indexed("status", "created_at", "id"),
        indexed("created_at", "id"),
        indexed("updated_at", "id"),
        indexed("name", "id"),
    )

    user_id: Mapped[UUID]
    name: Mapped[Str255]
    description: Mapped[str | None]
    project_number: Mapped[Str100 | None]
    client_name: Mapped[Str255 | None]
    location: Mapped[Str255 | None]
    status: Mapped[ProjectStatus] = enumerated(ProjectStatus, ProjectStatus.ACTIVE)
    created_at: Mapped[Instant]
    updated_at: Mapped[Touched]

    user: Mapped[User | None] = related("foreign(Project.user_id) == User.id")
    sessions: Mapped[list[DrawingSession]] = related("Project.id == foreign(DrawingSession.project_id)")
    drawing_versions: Mapped[list[DrawingVersion]] = related(
        "Project.id == foreign(DrawingVersion.project_id)"
    )
    crawl_jobs: Mapped[list[CrawlJob]] = related("Project.id == foreign(CrawlJob.project_id)")
