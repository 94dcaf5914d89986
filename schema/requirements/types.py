"""Proposals, what they propose, and exports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from strawberry import relay

from db import models
from db.models import ComponentType, ProposalStage, RequirementCategory, RequirementOrigin
from db.paging import Order
from resolvers.requirements import proposals, review
from resolvers.requirements.review import ReviewCounts
from schema.framework.context import Info
from schema.framework.decorators import enumeration, node, output
from schema.framework.fields import Connection, connection, relation
from schema.framework.payloads import computed, field
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
    """How to order the requirements of a proposal."""

    SEQUENCE_ASC = Order("sequence")
    CONFIDENCE_DESC = Order("confidence", descending=True)


@output
class OriginalRequirement:
    """A requirement as it was proposed, before a person changed it."""

    name: str
    """What it was called."""

    type: str | None
    """What kind of value it took."""

    requirement: str | None
    """What accessibility asked, in words."""

    values: list[str]
    """The values it could take; 100 at most."""

    required: bool
    """Whether the component needed it."""

    description: str | None
    """What it was for."""

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> OriginalRequirement | None:
        """Build it from its stored JSON."""
        return None if stored is None else cls(**stored)


@node(models.ProposedRequirement)
class ProposedRequirement(relay.Node):
    """One requirement of a proposal: what it says now, where it comes from, and what people made of it."""

    id: relay.NodeID[UUID]

    proposal: RequirementProposal | None = relation(models.ProposedRequirement.proposal)
    """The proposal that it belongs to."""

    category: RequirementCategory
    """What it is about."""

    name: str
    """Of the property, event or state, or a short name of what accessibility asks."""

    type: str | None
    """What kind of value it takes."""

    requirement: str | None
    """What accessibility asks, in words."""

    values: list[str]
    """The values it may take; 100 at most."""

    required: bool
    """Whether the component needs it."""

    description: str | None
    """What it is for."""

    confidence: float
    """How sure the proposal is, 0 to 1."""

    confidence_level: ConfidenceLevel = computed(
        lambda row: ConfidenceLevel(review.confidence_level(row.confidence)), needs=("confidence",)
    )
    """The same, in three levels."""

    rationale: str | None
    """Why it is proposed."""

    origin: RequirementOrigin
    """Where it comes from."""

    source: str | None
    """The same, by name: a standard, a document, a library or a model."""

    citation: RequirementCitation | None = computed(
        lambda row: RequirementCitation.of(row.citation), needs=("citation",)
    )
    """Where a document says so."""

    approved: bool
    """Whether a person approved it."""

    edited: bool
    """Whether a person changed what was proposed."""

    removed: bool
    """Whether a person removed it."""

    custom: bool
    """Whether a person added it."""

    original: OriginalRequirement | None = computed(
        lambda row: OriginalRequirement.of(row.original), needs=("original",)
    )
    """What was proposed, where a person changed it."""

    created_at: datetime
    """When it was proposed."""

    updated_at: datetime
    """Time of the last change."""


@output
class RequirementTally:
    """How many requirements there are of each fate."""

    proposed: int
    """How many were proposed, removed ones included."""

    approved: int
    """How many of these are approved."""

    edited: int
    """How many of the approved were changed."""

    removed: int
    """How many of the proposed were removed."""

    added: int
    """How many people added."""

    added_approved: int
    """How many of these are approved."""

    approval_rate: float | None
    """Approved over proposed; null where nothing was proposed."""

    edit_rate: float | None
    """Edited over approved; null where nothing is approved."""

    @classmethod
    def of(cls, tally: ReviewCounts) -> RequirementTally:
        """The same counts."""
        return cls(**vars(tally), approval_rate=tally.approval_rate, edit_rate=tally.edit_rate)


@output
class CategoryTally:
    """How the review of one category stands."""

    category: RequirementCategory
    """Which category."""

    tally: RequirementTally
    """Its counts."""


@output
class RequirementReview:
    """How the review of a proposal stands: what an export would keep, and how good the proposal was."""

    total: RequirementTally
    """All categories together."""

    by_category: list[CategoryTally]
    """Each of the four categories."""

    exportable: bool
    """Whether anything is approved, so that it can be exported."""

    @classmethod
    def of(cls, found: review.Review) -> RequirementReview:
        """From the counts of each category."""
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
    """What it says."""

    colour: str
    """Its colour, such as `#1f2937`."""

    behind: str
    """The colour behind it."""

    contrast: float
    """Their contrast ratio by WCAG, 1 to 21; text needs 4.5."""


@output
class DesignFindings:
    """What was measured of a design."""

    width: int
    """Of the picture, in pixels."""

    height: int
    """Of the picture, in pixels."""

    background: str
    """The colour around the component, such as `#ffffff`."""

    fill: str
    """The component's own colour."""

    lines: list[DesignLine]
    """Its text; 60 lines at most."""

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> DesignFindings | None:
        """Build it from its stored JSON."""
        if stored is None:
            return None
        shown = ("text", "colour", "behind", "contrast")
        lines = [DesignLine(**{name: line[name] for name in shown}) for line in stored["lines"]]
        said = {name: stored[name] for name in ("width", "height", "background", "fill")}
        return cls(**said, lines=lines)


@node(models.RequirementProposal)
class RequirementProposal(relay.Node):
    """What a component is to be like, as it is proposed from a design, a description or documents."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.RequirementProposal.user)
    """User who requested it."""

    job: ProcessingJobRef | None = relation(models.RequirementProposal.job)
    """The job that makes it."""

    description: str | None
    """What was said of the component."""

    component_type: ComponentType | None
    """What the component is; null until that is known."""

    classification_confidence: float | None
    """How sure that is, 0 to 1."""

    classification_rationale: str | None
    """Why it is taken for that."""

    design: DesignFindings | None = computed(lambda row: DesignFindings.of(row.design), needs=("design",))
    """What was measured of the uploaded design; null without one."""

    model: str | None
    """Who proposed; where a language model was asked, also what became of that. Null before the end."""

    stage: ProposalStage
    """How far it has come."""

    progress: int = computed(lambda row: proposals.STAGE_PROGRESS[row.stage], needs=("stage",))
    """The same in percent: 0, 20, 40, 80, 100."""

    error_message: str | None
    """Why there is no more of it."""

    proposal_latency_ms: int | None
    """From its job's first beginning to its end, in milliseconds."""

    requirements: Connection[ProposedRequirement] = connection(
        models.RequirementProposal.requirements, orders=ProposedRequirementOrder
    )
    """What it proposes, and what people added, in the order in which it came."""

    @field(needs=("id",))
    async def review(self, info: Info) -> RequirementReview:
        """How its review stands: a preview of what an export keeps."""
        found: Any = await info.context.loaders.by(review.load_reviews).load(self.id)
        return RequirementReview.of(found)

    created_at: datetime
    """Creation time."""

    updated_at: datetime
    """Time of the last change."""

    completed_at: datetime | None
    """When it was complete."""


@node(models.RequirementExport)
class RequirementExport(relay.Node):
    """A component's requirements, reviewed by a person."""

    id: relay.NodeID[UUID]

    user: UserRef | None = relation(models.RequirementExport.user)
    """Who reviewed them."""

    component_type: str
    """Such as `Button`; an open vocabulary."""

    requirements: Requirements = computed(
        lambda export: Requirements.of(export.requirements), needs=("requirements",)
    )
    """All that were proposed or added, and what became of them."""

    approved_count: int
    """How many were approved, edited ones included."""

    edited_count: int
    """How many were approved and edited."""

    custom_added_count: int
    """How many were added by hand, approved or not."""

    proposal_latency_ms: int | None
    """How long the proposal took, in milliseconds."""

    proposal: RequirementProposal | None = relation(models.RequirementExport.proposal)
    """The proposal that was reviewed; null where there was none, or it is gone."""

    used_in_pattern_retrieval: bool
    """Whether patterns were looked up with it."""

    pattern_retrieval_at: datetime | None
    """When that was said first."""

    used_in_code_generation: bool
    """Whether code was made of it."""

    code_generation_at: datetime | None
    """When that was said first."""

    created_at: datetime
    """When it was exported."""

    updated_at: datetime
    """Time of the last change."""
