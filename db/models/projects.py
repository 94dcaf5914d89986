"""Projects."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.orm import Mapped

from db.base import (
    Flag,
    Instant,
    Str100,
    Str255,
    TenantKey,
    TenantModel,
    UpdatedAt,
    enum_column,
    list_indexes,
    tenant_foreign_key,
    view_relationship,
)

if TYPE_CHECKING:
    from db.models.datasets import Dataset
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


class Project(TenantKey, TenantModel):
    """A building, a campaign or a data set, with its drawings, images and documents."""

    __tablename__ = "projects"
    __table_args__ = (
        tenant_foreign_key("members", "user_id"),
        *list_indexes("created_at", "id", filters=("user_id", "status")),
        *list_indexes("updated_at", "id", filters=("user_id", "status")),
        *list_indexes("name", "id", filters=("user_id", "status")),
    )

    user_id: Mapped[UUID]
    name: Mapped[Str255]
    description: Mapped[str | None]
    project_number: Mapped[Str100 | None]
    client_name: Mapped[Str255 | None]
    location: Mapped[Str255 | None]
    status: Mapped[ProjectStatus] = enum_column(ProjectStatus, ProjectStatus.ACTIVE)
    auto_compare: Mapped[Flag]
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]

    user: Mapped[User | None] = view_relationship("foreign(Project.user_id) == User.id")
    sessions: Mapped[list[DrawingSession]] = view_relationship(
        "Project.id == foreign(DrawingSession.project_id)"
    )
    drawing_versions: Mapped[list[DrawingVersion]] = view_relationship(
        "Project.id == foreign(DrawingVersion.project_id)"
    )
    crawl_jobs: Mapped[list[CrawlJob]] = view_relationship("Project.id == foreign(CrawlJob.project_id)")
    datasets: Mapped[list[Dataset]] = view_relationship("Project.id == foreign(Dataset.project_id)")
