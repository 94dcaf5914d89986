"""Checks of texts against documents: one finding for each sentence."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    Count,
    Instant,
    TenantKey,
    TenantModel,
    UpdatedAt,
    enum_column,
    tenant_foreign_key,
    tenant_index,
    view_relationship,
)

if TYPE_CHECKING:
    from db.models.identity import User
    from db.models.jobs import ProcessingJob


class TextCheckState(Enum):
    """State of a text check."""

    WAITING = "waiting"
    """The check waits for a worker."""
    CHECKING = "checking"
    """The sentences are being checked, in order."""
    COMPLETED = "completed"
    """Every sentence is checked."""
    STOPPED = "stopped"
    """A user cancelled the check. The findings so far are kept."""
    FAILED = "failed"
    """The check has failed. The findings so far are kept."""


class SentenceVerdict(Enum):
    """What documents say of a sentence."""

    SUPPORTED = "supported"
    """The cited passage says the same."""
    CONTRADICTED = "contradicted"
    """The cited passage says something else of the same subject."""
    NOT_FOUND = "not_found"
    """No passage supports or contradicts the sentence well enough. The nearest passage may be cited."""
    NOT_CHECKED = "not_checked"
    """The sentence states nothing that could be checked, such as a heading or a question."""


class TextCheck(TenantKey, TenantModel):
    """A check of a text by the job with the same id. The counts are of its checked sentences by verdict."""

    __tablename__ = "text_checks"
    __table_args__ = (
        tenant_foreign_key("members", "user_id"),
        sa.CheckConstraint(
            "sentence_count >= 0 AND supported_count >= 0 AND contradicted_count >= 0 "
            "AND not_found_count >= 0 AND not_checked_count >= 0",
            name="counts",
        ),
        tenant_index("created_at", "id"),
        tenant_index("user_id", "created_at", "id"),
    )

    user_id: Mapped[UUID]
    text: Mapped[str]
    document_ids: Mapped[list[str] | None]
    state: Mapped[TextCheckState] = enum_column(TextCheckState, TextCheckState.WAITING)
    error_message: Mapped[str | None]
    sentence_count: Mapped[Count]
    supported_count: Mapped[Count]
    contradicted_count: Mapped[Count]
    not_found_count: Mapped[Count]
    not_checked_count: Mapped[Count]
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]
    completed_at: Mapped[datetime | None]

    user: Mapped[User | None] = view_relationship("foreign(TextCheck.user_id) == User.id")
    job: Mapped[ProcessingJob | None] = view_relationship("foreign(TextCheck.id) == ProcessingJob.id")
    sentences: Mapped[list[TextCheckSentence]] = view_relationship(
        "TextCheck.id == foreign(TextCheckSentence.check_id)"
    )


class TextCheckSentence(TenantKey, TenantModel):
    """A checked sentence. `number` counts the sentences of the text from 1; offsets count its code points.

    `differences` are what the cited passage says otherwise. `citation` is the passage, also the nearest one
    of a sentence that is not found.
    """

    __tablename__ = "text_check_sentences"
    __table_args__ = (
        tenant_foreign_key("text_checks", "check_id"),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        sa.CheckConstraint("text_start_index >= 0 AND text_end_index > text_start_index", name="offsets"),
        tenant_index("check_id", "number", unique=True),
        tenant_index("check_id", "verdict", "number"),
    )

    check_id: Mapped[UUID]
    number: Mapped[int]
    text_start_index: Mapped[int]
    text_end_index: Mapped[int]
    text: Mapped[str]
    verdict: Mapped[SentenceVerdict] = enum_column(SentenceVerdict)
    confidence: Mapped[float | None]
    reason: Mapped[str | None]
    differences: Mapped[list[Any]] = mapped_column(server_default="[]")
    citation: Mapped[dict[str, Any] | None]
    created_at: Mapped[Instant]

    text_check: Mapped[TextCheck] = view_relationship("foreign(TextCheckSentence.check_id) == TextCheck.id")
