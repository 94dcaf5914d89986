"""Evaluation runs, and requirements that were reviewed and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from db.base import Count, Flag, Instant, Owned, Str100, TenantModel, Touched, indexed, owned_by, related
from db.models.jobs import Job

if TYPE_CHECKING:
    from db.models.identity import User


class EvaluationRun(Owned, Job, TenantModel):
    """A model measured on a data set."""

    __tablename__ = "evaluation_runs"

    name: Mapped[str] = mapped_column(sa.String(200))
    description: Mapped[str | None]
    model_name: Mapped[Str100]
    dataset_name: Mapped[str | None] = mapped_column(sa.String(200))
    config: Mapped[dict[str, Any] | None]
    metrics: Mapped[dict[str, Any] | None]

    created_by: Mapped[User | None] = related("foreign(EvaluationRun.requested_by_id) == User.id")

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (*Job.__table_args__, indexed("model_name", "created_at", "id"))


class RequirementExport(Owned, TenantModel):
    """A component's reviewed requirements. The counts are derived from them, never given."""

    __tablename__ = "requirement_exports"
    __table_args__ = (
        owned_by("members", "user_id"),
        sa.CheckConstraint(
            "approved_count >= 0 AND edited_count >= 0 "
            "AND custom_added_count >= 0 AND proposal_latency_ms >= 0",
            name="counts",
        ),
        indexed("user_id", "created_at", "id"),
        indexed("component_type", "created_at", "id"),
        indexed("proposal_latency_ms", "id"),
        indexed("user_id", "proposal_latency_ms", "id"),
        indexed("created_at", "id"),
    )

    user_id: Mapped[UUID]
    component_type: Mapped[Str100]
    requirements: Mapped[dict[str, Any]]
    approved_count: Mapped[Count]
    edited_count: Mapped[Count]
    custom_added_count: Mapped[Count]
    proposal_latency_ms: Mapped[int | None]
    used_in_pattern_retrieval: Mapped[Flag]
    used_in_code_generation: Mapped[Flag]
    created_at: Mapped[Instant]
    updated_at: Mapped[Touched]

    user: Mapped[User | None] = related("foreign(RequirementExport.user_id) == User.id")
