"""The types of the evaluation domain, and how lists of them are ordered and filtered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from strawberry import relay
from strawberry.scalars import JSON

from db import models
from db.models import JobStatus
from db.paging import Order
from schema.declare import enumeration, input, node, output
from schema.fields import relation
from schema.ids import key_of
from schema.jobs import Job
from schema.operations import computed
from schema.refs import UserRef


@enumeration
class EvaluationRunOrder(Enum):
    """How to order evaluation runs."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@enumeration
class RequirementExportOrder(Enum):
    """How to order requirement exports."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@input
class EvaluationRunFilter:
    """Which evaluation runs to list."""

    status: JobStatus | None = None
    """Only those that stand there."""

    model_name: str | None = None
    """Only those of this model."""

    def where(self, run: Any) -> list[ColumnElement[bool]]:
        found = [run.status == self.status] if self.status else []
        return found + ([run.model_name == self.model_name] if self.model_name is not None else [])


@input
class RequirementExportFilter:
    """Which requirement exports to list."""

    component_type: str | None = None
    """Only those of this component, such as `Button`."""

    user_id: relay.GlobalID | None = None
    """Only those that this user made."""

    def where(self, export: Any) -> list[ColumnElement[bool]]:
        kind = self.component_type
        found = [export.component_type == kind] if kind is not None else []
        if self.user_id:
            found.append(export.user_id == key_of(self.user_id, models.User, "filter", "userId"))
        return found


@output
class EvaluationMetrics:
    """What a run measured; null where it did not measure that."""

    accuracy: float | None
    """The share of right answers, 0 to 1."""

    precision: float | None
    """What share of what was found is right, 0 to 1."""

    recall: float | None
    """What share of what is right was found, 0 to 1."""

    f1_score: float | None
    """The harmonic mean of precision and recall, 0 to 1."""

    avg_quality_score: float | None
    """The mean of the quality scores, 0 to 1."""

    avg_latency_ms: float | None
    """The mean time to an answer, in milliseconds."""

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> EvaluationMetrics | None:
        """From the form that is stored."""
        return None if stored is None else cls(**{name: stored.get(name) for name in cls.__annotations__})


FLAGS = ("approved", "edited", "custom")
"""What a requirement says of itself by yes or no."""


@output
class RequirementItem:
    """One requirement of a component."""

    name: str | None
    """Of the property, event or state."""

    type: str | None
    """What kind of value it takes."""

    requirement: str | None
    """What accessibility asks, in words."""

    values: list[str] | None
    """The values it may take; 100 at most."""

    required: bool | None
    """Whether the component needs it."""

    description: str | None
    """What it is for."""

    confidence: float | None
    """How sure the proposal was, 0 to 1."""

    rationale: str | None
    """Why it was proposed."""

    approved: bool
    """Whether a person approved it."""

    edited: bool
    """Whether a person changed it."""

    custom: bool
    """Whether a person added it."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> RequirementItem:
        """From the form that is stored; what is silent on a yes or no means no."""
        said: dict[str, Any] = {name: stored.get(name) for name in cls.__annotations__}
        return cls(**{**said, **{flag: said[flag] is True for flag in FLAGS}})


@output
class Requirements:
    """A component's requirements; at most 100 of each kind."""

    props: list[RequirementItem]
    """Properties."""

    events: list[RequirementItem]
    """Events."""

    states: list[RequirementItem]
    """States."""

    accessibility: list[RequirementItem]
    """What accessibility asks."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Requirements:
        """From the form that is stored."""
        kinds = cls.__annotations__
        return cls(**{kind: [RequirementItem.of(item) for item in stored.get(kind, ())] for kind in kinds})


@output
class ApprovalMetrics:
    """How people judge proposed requirements, over the exports that the viewer may see."""

    avg_approved: float | None
    """The mean number of approved requirements; null without an export."""

    avg_edited: float | None
    """The mean number of approved requirements that were edited; null without an export."""

    avg_custom: float | None
    """The mean number of requirements added by hand; null without an export."""

    total: int
    """How many exports there are."""


@node(models.EvaluationRun)
class EvaluationRun(Job):
    """A model measured on a data set."""

    id: relay.NodeID[UUID]

    name: str
    """What people call it."""

    description: str | None
    """What it is to find out."""

    model_name: str
    """The model that is measured."""

    dataset_name: str | None
    """What it is measured on."""

    config: JSON | None
    """How it is measured: temperature, limits, test cases."""

    metrics: EvaluationMetrics | None = computed(
        lambda run: EvaluationMetrics.of(run.metrics), needs=("metrics",)
    )
    """What it measured."""

    created_by: UserRef | None = relation(models.EvaluationRun.created_by)
    """Who asked for it."""

    updated_at: datetime
    """When anything of this last changed."""


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

    used_in_pattern_retrieval: bool
    """Whether patterns were looked up with it."""

    used_in_code_generation: bool
    """Whether code was made of it."""

    created_at: datetime
    """When it was exported."""

    updated_at: datetime
    """When anything of this last changed."""
