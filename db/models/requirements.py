"""Requirements of components: proposals and reviews."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    Count,
    Flag,
    Instant,
    Str100,
    Str255,
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


class ComponentType(Enum):
    """Type of a user interface component."""

    BUTTON = "button"
    """A button."""
    CARD = "card"
    """A card."""
    INPUT = "input"
    """A text input."""
    SELECT = "select"
    """A select."""
    CHECKBOX = "checkbox"
    """A checkbox."""
    RADIO = "radio"
    """A radio group."""
    SWITCH = "switch"
    """A switch."""
    TABS = "tabs"
    """Tabs."""
    BADGE = "badge"
    """A badge."""
    ALERT = "alert"
    """An alert."""


class RequirementCategory(Enum):
    """Category of a requirement."""

    PROPS = "props"
    """A property of the component."""
    EVENTS = "events"
    """An event that the component emits."""
    STATES = "states"
    """A visual state of the component."""
    ACCESSIBILITY = "accessibility"
    """An accessibility attribute or behavior."""


class RequirementOrigin(Enum):
    """Origin of a requirement."""

    PATTERN_LIBRARY = "pattern_library"
    """The built-in library of component patterns."""
    DESCRIPTION = "description"
    """The description of the component."""
    DESIGN = "design"
    """The uploaded design image."""
    DOCUMENT = "document"
    """A document of the knowledge base."""
    MODEL = "model"
    """A language model."""
    PERSON = "person"
    """A user."""


class ProposalStage(Enum):
    """Stage of a requirement proposal."""

    STARTING = "starting"
    """The proposal waits for a worker."""
    CLASSIFYING = "classifying"
    """The component type is being classified."""
    ANALYZING = "analyzing"
    """Requirements are being proposed."""
    FINALIZING = "finalizing"
    """The proposed requirements are being merged and stored."""
    COMPLETE = "complete"
    """The proposal is complete."""
    FAILED = "failed"
    """The proposal has failed."""


class RequirementProposal(TenantKey, TenantModel):
    """Requirements that the job with the same id proposes for a component.

    `design` holds measurements of the uploaded image; `item_count` numbers the requirements in order.
    """

    __tablename__ = "requirement_proposals"
    __table_args__ = (
        tenant_foreign_key("members", "user_id"),
        tenant_foreign_key("uploads", "upload_id", "SET NULL"),
        sa.CheckConstraint("classification_confidence BETWEEN 0 AND 1", name="confidence"),
        sa.CheckConstraint("proposal_latency_ms >= 0", name="latency"),
        tenant_index("created_at", "id"),
        tenant_index("user_id", "created_at", "id"),
        tenant_index("component_type", "created_at", "id"),
        tenant_index("stage", "created_at", "id"),
        tenant_index("upload_id"),
    )

    user_id: Mapped[UUID]
    upload_id: Mapped[UUID | None]
    description: Mapped[str | None]
    document_ids: Mapped[list[str]] = mapped_column(server_default="[]")
    component_type: Mapped[ComponentType | None] = enum_column(ComponentType, nullable=True)
    classification_confidence: Mapped[float | None]
    classification_rationale: Mapped[str | None]
    design: Mapped[dict[str, Any] | None]
    model: Mapped[str | None]
    stage: Mapped[ProposalStage] = enum_column(ProposalStage, ProposalStage.STARTING)
    error_message: Mapped[str | None]
    item_count: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    proposal_latency_ms: Mapped[int | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]
    completed_at: Mapped[datetime | None]

    user: Mapped[User | None] = view_relationship("foreign(RequirementProposal.user_id) == User.id")
    job: Mapped[ProcessingJob | None] = view_relationship(
        "foreign(RequirementProposal.id) == ProcessingJob.id"
    )
    requirements: Mapped[list[ProposedRequirement]] = view_relationship(
        "RequirementProposal.id == foreign(ProposedRequirement.proposal_id)"
    )


class ProposedRequirement(TenantKey, TenantModel):
    """A requirement of a proposal in its current state, with its review.

    `key` identifies it in its category. `citation` is its source in a document; `original` is the proposed
    version, if it was edited.
    """

    __tablename__ = "proposed_requirements"
    __table_args__ = (
        tenant_foreign_key("requirement_proposals", "proposal_id"),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        sa.CheckConstraint("NOT (approved AND removed)", name="decision"),
        tenant_index("proposal_id", "sequence", unique=True),
        tenant_index("proposal_id", "category", "key", unique=True),
        tenant_index("proposal_id", "confidence", "id"),
    )

    proposal_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(sa.BigInteger)
    category: Mapped[RequirementCategory] = enum_column(RequirementCategory)
    key: Mapped[Str255]
    name: Mapped[Str255]
    type: Mapped[Str255 | None]
    requirement: Mapped[str | None]
    values: Mapped[list[str]] = mapped_column(server_default="[]")
    required: Mapped[Flag]
    description: Mapped[str | None]
    confidence: Mapped[float]
    rationale: Mapped[str | None]
    origin: Mapped[RequirementOrigin] = enum_column(RequirementOrigin)
    source: Mapped[Str255 | None]
    citation: Mapped[dict[str, Any] | None]
    approved: Mapped[Flag]
    edited: Mapped[Flag]
    removed: Mapped[Flag]
    custom: Mapped[Flag]
    original: Mapped[dict[str, Any] | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[UpdatedAt]

    proposal: Mapped[RequirementProposal] = view_relationship(
        "foreign(ProposedRequirement.proposal_id) == RequirementProposal.id"
    )


class RequirementExport(TenantKey, TenantModel):
    """A component's reviewed requirements. The counts are derived from them.

    `pattern_retrieval_at` and `code_generation_at` are when the export was used for these purposes.
    """

    __tablename__ = "requirement_exports"
    __table_args__ = (
        tenant_foreign_key("members", "user_id"),
        tenant_foreign_key("requirement_proposals", "proposal_id", "SET NULL"),
        sa.CheckConstraint(
            "approved_count >= 0 AND edited_count >= 0 "
            "AND custom_added_count >= 0 AND proposal_latency_ms >= 0",
            name="counts",
        ),
        tenant_index("user_id", "created_at", "id"),
        tenant_index("component_type", "created_at", "id"),
        tenant_index("proposal_latency_ms", "id"),
        tenant_index("user_id", "proposal_latency_ms", "id"),
        tenant_index("created_at", "id"),
        tenant_index("proposal_id"),
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
    updated_at: Mapped[UpdatedAt]

    user: Mapped[User | None] = view_relationship("foreign(RequirementExport.user_id) == User.id")
    proposal: Mapped[RequirementProposal | None] = view_relationship(
        "foreign(RequirementExport.proposal_id) == RequirementProposal.id"
    )
