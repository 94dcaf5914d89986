"""Evaluation runs, and requirements that were reviewed and exported."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from db.base import Count, Flag, Instant, Owned, Str100, TenantModel, Touched, indexed, owned_by, related
from db.models.jobs import Job

if TYPE_CHECKING:
    from db.models.identity import User
    from db.models.requirements import RequirementProposal


class EvaluationRun(Owned, Job, TenantModel):
    """A model measured on a data set."""

    __tablename__ = "evaluation_runs"

    name: Mapped[str] = mapped_column(sa.String(200))
    description: Mapped[str | None]
    model_name: Mapped[Str100]
    dataset_name: Mapped[str | None] = mapped_column(sa.String(200))
    upload_id: Mapped[UUID | None]
    config: Mapped[dict[str, Any] | None]
    metrics: Mapped[dict[str, Any] | None]

    created_by: Mapped[User | None] = related("foreign(EvaluationRun.requested_by_id) == User.id")
    cases: Mapped[list[EvaluationCase]] = related("EvaluationRun.id == foreign(EvaluationCase.run_id)")

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            *Job.__table_args__,
            owned_by("uploads", "upload_id", "SET NULL"),
            indexed("model_name", "created_at", "id"),
            indexed("upload_id"),
        )


class EvaluationCase(Owned, TenantModel):
    """One question of a run: what was expected, what came, and how near that is.

    `key` is the question's in the data set; `retrieved` and `cited` are keys of passages.
    """

    __tablename__ = "evaluation_cases"
    __table_args__ = (
        owned_by("evaluation_runs", "run_id"),
        indexed("run_id", "number", unique=True),
        indexed("run_id", "correct", "number"),
    )

    run_id: Mapped[UUID]
    number: Mapped[Count]
    key: Mapped[Str100]
    question: Mapped[str]
    expected_answer: Mapped[str | None]
    expected_passages: Mapped[list[str]] = mapped_column(server_default="[]")
    retrieved: Mapped[list[str]] = mapped_column(server_default="[]")
    answer: Mapped[str | None]
    cited: Mapped[list[str]] = mapped_column(server_default="[]")
    correct: Mapped[bool]
    scores: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    latency_ms: Mapped[float]
    error_message: Mapped[str | None]
    created_at: Mapped[Instant]

    run: Mapped[EvaluationRun] = related("foreign(EvaluationCase.run_id) == EvaluationRun.id")


class RequirementExport(Owned, TenantModel):
    """A component's reviewed requirements. The counts are derived from them, never given.

    `pattern_retrieval_at` and `code_generation_at` are when it was said that it was used so.
    """

    __tablename__ = "requirement_exports"
    __table_args__ = (
        owned_by("members", "user_id"),
        owned_by("requirement_proposals", "proposal_id", "SET NULL"),
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
        indexed("proposal_id"),
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
    pattern_retrieval_at: Mapped[datetime | None]
    code_generation_at: Mapped[datetime | None]
    proposal_id: Mapped[UUID | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[Touched]

    user: Mapped[User | None] = related("foreign(RequirementExport.user_id) == User.id")
    proposal: Mapped[RequirementProposal | None] = related(
        "foreign(RequirementExport.proposal_id) == RequirementProposal.id"
    )
