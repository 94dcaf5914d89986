"""Types of the requirements domain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from strawberry import relay

from db import models
from db.models import ComponentType, ProposalStage, RequirementCategory, RequirementOrigin
from db.pagination import Order
from resolvers.requirements import proposals, review
from resolvers.requirements.review import ReviewCounts
from schema.framework.context import Info
from schema.framework.decorators import enumeration, node, output
from schema.framework.fields import Connection, connection, relation
from schema.framework.payloads import derived_field, field
from schema.lazy_types import ProcessingJobRef, UserRef
from schema.requirements.items import RequirementCitation, Requirements

for kind in (ComponentType, ProposalStage, RequirementCategory, RequirementOrigin):
    enumeration(kind)


@enumeration
class ConfidenceLevel(Enum):
    """Confidence of a proposal in three levels."""

    HIGH = "high"
    """0.9 or higher."""
    MEDIUM = "medium"
    """0.7 or higher, and less than 0.9."""
    LOW = "low"
    """Less than 0.7."""


@enumeration
class ProposedRequirementOrder(Enum):
    """Sort orders of the requirements of a proposal."""

    SEQUENCE_ASC = Order("sequence")
    CONFIDENCE_DESC = Order("confidence", descending=True)


@output
class OriginalRequirement:
    """The proposed version of a requirement that a user edited."""

    name: str
    """Name of the requirement."""

    type: str | None
    """Type of its value."""

    requirement: str | None
    """Text of an accessibility requirement."""

    values: list[str]
    """Allowed values. Maximum 100."""

    required: bool
    """Whether the requirement is mandatory."""

    description: str | None
    """Description of its purpose."""

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> OriginalRequirement | None:
        """Build it from its stored JSON."""
        return None if stored is None else cls(**stored)


@node(models.ProposedRequirement)
class ProposedRequirement(relay.Node):
    """A requirement of a proposal with its review state."""

    id: relay.NodeID[UUID]

    proposal: RequirementProposal | None = relation(models.ProposedRequirement.proposal)
    """Proposal of the requirement."""

    category: RequirementCategory
    """Category of the requirement."""

    name: str
    """Name of the property, event or state, or short name of the accessibility requirement."""

    type: str | None
    """Type of its value."""

    requirement: str | None
    """Text of an accessibility requirement."""

    values: list[str]
    """Allowed values. Maximum 100."""

    required: bool
    """Whether the requirement is mandatory."""

    description: str | None
    """Description of its purpose."""

    confidence: float
    """Confidence of the proposal, from 0 to 1."""

    confidence_level: ConfidenceLevel = derived_field(
        lambda row: ConfidenceLevel(review.confidence_level(row.confidence)), needs=("confidence",)
    )
    """Confidence of the proposal in three levels."""

    rationale: str | None
    """Rationale of the proposal."""

    origin: RequirementOrigin
    """Origin of the requirement."""

    source: str | None
    """Name of its source: a standard, a document, a library or a model."""

    citation: RequirementCitation | None = derived_field(
        lambda row: RequirementCitation.of(row.citation), needs=("citation",)
    )
    """Passage of a document that it is based on, or null."""

    approved: bool
    """Whether a user approved the requirement."""

    edited: bool
    """Whether a user edited the requirement."""

    removed: bool
    """Whether a user removed the requirement."""

    custom: bool
    """Whether a user added the requirement."""

    original: OriginalRequirement | None = derived_field(
        lambda row: OriginalRequirement.of(row.original), needs=("original",)
    )
    """The proposed version, if a user edited the requirement."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""


@output
class RequirementTally:
    """Number of requirements by review state."""

    proposed: int
    """Number of proposed requirements, including removed ones."""

    approved: int
    """Number of proposed requirements that are approved."""

    edited: int
    """Number of approved requirements that were edited."""

    removed: int
    """Number of proposed requirements that were removed."""

    added: int
    """Number of requirements added by users."""

    added_approved: int
    """Number of added requirements that are approved."""

    approval_rate: float | None
    """Ratio of approved to proposed requirements. Null if none were proposed."""

    edit_rate: float | None
    """Ratio of edited to approved requirements. Null if none are approved."""

    @classmethod
    def of(cls, tally: ReviewCounts) -> RequirementTally:
        """Build it from its counts."""
        return cls(**vars(tally), approval_rate=tally.approval_rate, edit_rate=tally.edit_rate)


@output
class CategoryTally:
    """Review state of one category."""

    category: RequirementCategory
    """The category."""

    tally: RequirementTally
    """Counts of the category."""


@output
class RequirementReview:
    """Review state of a proposal."""

    total: RequirementTally
    """Counts of all categories."""

    by_category: list[CategoryTally]
    """Counts of each category. Maximum 4."""

    exportable: bool
    """Whether any requirement is approved, which an export requires."""

    @classmethod
    def of(cls, found: review.Review) -> RequirementReview:
        """Build it from the counts of each category."""
        total = review.total(found)
        kinds = [
            CategoryTally(category=kind, tally=RequirementTally.of(each)) for kind, each in found.items()
        ]
        some = total.approved + total.added_approved > 0
        return cls(total=RequirementTally.of(total), by_category=kinds, exportable=some)


@output
class DesignLine:
    """A line of text in a design."""

    text: str
    """Recognized text."""

    colour: str
    """Text color, such as `#1f2937`."""

    background: str = strawberry.field(name="behind")
    """Background color."""

    contrast: float
    """WCAG contrast ratio, from 1 to 21. Text requires 4.5."""


@output
class DesignFindings:
    """Measurements of a design."""

    width: int
    """Width of the image in pixels."""

    height: int
    """Height of the image in pixels."""

    background: str
    """Color around the component, such as `#ffffff`."""

    fill: str
    """Fill color of the component."""

    lines: list[DesignLine]
    """Lines of text. Maximum 60."""

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> DesignFindings | None:
        """Build it from its stored JSON."""
        if stored is None:
            return None
        lines = [
            DesignLine(
                text=line["text"],
                colour=line["colour"],
                background=line["behind"],
                contrast=line["contrast"],
            )
            for line in stored["lines"]
        ]
        values = {name: stored[name] for name in ("width", "height", "background", "fill")}
        return cls(**values, lines=lines)


@node(models.RequirementProposal)
class RequirementProposal(relay.Node):
    """Proposed requirements for a component, from a design, a description or documents."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.RequirementProposal.user)
    """User who requested it."""

    job: ProcessingJobRef | None = relation(models.RequirementProposal.job)
    """Job that generates the proposal."""

    description: str | None
    """Description of the component."""

    component_type: ComponentType | None
    """Type of the component. Null until classified."""

    classification_confidence: float | None
    """Confidence of the classification, from 0 to 1."""

    classification_rationale: str | None
    """Rationale of the classification."""

    design: DesignFindings | None = derived_field(
        lambda row: DesignFindings.of(row.design), needs=("design",)
    )
    """Measurements of the uploaded design. Null without one."""

    model: str | None
    """Proposers that were used, with the outcome of the language model, if any. Null until complete."""

    stage: ProposalStage
    """Stage of the proposal."""

    progress: int = derived_field(lambda row: proposals.STAGE_PROGRESS[row.stage], needs=("stage",))
    """Progress in percent: 0, 20, 40, 80 or 100."""

    error_message: str | None
    """Reason of the failure, or null."""

    proposal_latency_ms: int | None
    """Time from the first start of the job to its completion, in milliseconds."""

    requirements: Connection[ProposedRequirement] = connection(
        models.RequirementProposal.requirements, orders=ProposedRequirementOrder
    )
    """Proposed and added requirements, in order of creation."""

    @field(needs=("id",))
    async def review(self, info: Info) -> RequirementReview:
        """Review state: a preview of the export."""
        found: Any = await info.context.loaders.by(review.load_reviews).load(self.id)
        return RequirementReview.of(found)

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""

    completed_at: datetime | None
    """Completion time."""


@node(models.RequirementExport)
class RequirementExport(relay.Node):
    """Reviewed requirements of a component."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.RequirementExport.user)
    """User who reviewed the requirements."""

    component_type: str
    """Type of the component, such as `Button`. Free text."""

    requirements: Requirements = derived_field(
        lambda export: Requirements.of(export.requirements), needs=("requirements",)
    )
    """All proposed and added requirements with their review state."""

    approved_count: int
    """Number of approved requirements, including edited ones."""

    edited_count: int
    """Number of approved requirements that were edited."""

    custom_added_count: int
    """Number of requirements added by users, approved or not."""

    proposal_latency_ms: int | None
    """Duration of the proposal in milliseconds."""

    proposal: RequirementProposal | None = relation(models.RequirementExport.proposal)
    """The reviewed proposal. Null if there was none or it is deleted."""

    used_in_pattern_retrieval: bool
    """Whether the export was used to retrieve patterns."""

    pattern_retrieval_at: datetime | None
    """Time at which its use in pattern retrieval was first recorded."""

    used_in_code_generation: bool
    """Whether the export was used to generate code."""

    code_generation_at: datetime | None
    """Time at which its use in code generation was first recorded."""

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""
