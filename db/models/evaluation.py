"""Evaluation runs and their cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from db.base import (
    Count,
    Instant,
    Str100,
    TenantKey,
    TenantModel,
    tenant_foreign_key,
    tenant_index,
    view_relationship,
)
from db.models.jobs import JobRow

if TYPE_CHECKING:
    from db.models.identity import User


class EvaluationRun(JobRow):
    """An evaluation of a model on a data set."""

    __tablename__ = "evaluation_runs"

    name: Mapped[str] = mapped_column(sa.String(200))
    description: Mapped[str | None]
    model_name: Mapped[Str100]
    dataset_name: Mapped[str | None] = mapped_column(sa.String(200))
    upload_id: Mapped[UUID | None]
    config: Mapped[dict[str, Any] | None]
    metrics: Mapped[dict[str, Any] | None]

    created_by: Mapped[User | None] = view_relationship("foreign(EvaluationRun.requested_by_id) == User.id")
    cases: Mapped[list[EvaluationCase]] = view_relationship(
        "EvaluationRun.id == foreign(EvaluationCase.run_id)"
    )

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            *JobRow.__table_args__,
            tenant_foreign_key("uploads", "upload_id", "SET NULL"),
            tenant_index("model_name", "created_at", "id"),
            tenant_index("upload_id"),
        )


class EvaluationCase(TenantKey, TenantModel):
    """A question of a run: the expected and the actual answer, and their similarity.

    `key` is the question's key in the data set; `retrieved` and `cited` are keys of passages.
    """

    __tablename__ = "evaluation_cases"
    __table_args__ = (
        tenant_foreign_key("evaluation_runs", "run_id"),
        tenant_index("run_id", "number", unique=True),
        tenant_index("run_id", "correct", "number"),
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

    run: Mapped[EvaluationRun] = view_relationship("foreign(EvaluationCase.run_id) == EvaluationRun.id")
