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
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import Connection, connection, relation
from schema.framework.payloads import computed
from schema.jobs import Job
from schema.lazy_types import UserRef


@enumeration
class EvaluationRunOrder(Enum):
    """How to order evaluation runs."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@input
class EvaluationRunFilter:
    """Which evaluation runs to list."""

    status: JobStatus | None = None
    """Matches items in this state."""

    model_name: str | None = None
    """Only those of this model."""

    def where(self, run: Any) -> list[ColumnElement[bool]]:
        found = [run.status == self.status] if self.status else []
        return found + ([run.model_name == self.model_name] if self.model_name is not None else [])


@output
class EvaluationMetrics:
    """What a run measured; null where it did not measure that."""

    accuracy: float | None
    """The share of right answers, 0 to 1."""

    precision: float | None
    """What share of the first `depth` passages is right, 0 to 1."""

    recall: float | None
    """What share of the right passages is among the first `depth`, 0 to 1."""

    f1_score: float | None
    """The harmonic mean of precision and recall, 0 to 1."""

    mrr: float | None
    """The mean reciprocal rank of the first right passage, 0 to 1."""

    hit_rate: float | None
    """The share of questions with a right passage among the first `depth`, 0 to 1."""

    precision_at_1: float | None
    """The share of questions whose first passage is right, 0 to 1."""

    ndcg: float | None
    """Normalised discounted cumulative gain of the first `depth` passages, 0 to 1."""

    exact_match: float | None
    """The share of answers that equal what was expected, but for case, articles and punctuation, 0 to 1."""

    token_f1: float | None
    """How far the words of answers and of what was expected agree, as SQuAD measures it, 0 to 1."""

    citation_precision: float | None
    """What share of the cited passages is right, 0 to 1."""

    citation_recall: float | None
    """What share of the right passages is cited, 0 to 1."""

    depth: int | None
    """How many passages were ranked for a question."""

    cases: int | None
    """How many questions were asked."""

    failed_cases: int | None
    """To how many of them no answer came."""

    avg_quality_score: float | None
    """The mean of the answers' confidence, 0 to 1."""

    avg_latency_ms: float | None
    """The mean time to an answer, in milliseconds."""

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> EvaluationMetrics | None:
        """Build it from its stored JSON."""
        return None if stored is None else cls(**{name: stored.get(name) for name in cls.__annotations__})


@enumeration
class EvaluationCaseOrder(Enum):
    """How to order the cases of a run."""

    NUMBER_ASC = Order("number")
    NUMBER_DESC = Order("number", descending=True)


@input
class EvaluationCaseFilter:
    """Which cases to list."""

    correct: bool | None = None
    """Only those answered right, or only the others."""

    def where(self, case: Any) -> list[ColumnElement[bool]]:
        return [case.correct == self.correct] if self.correct is not None else []


@output
class EvaluationScores:
    """How near a case is to what was expected, each 0 to 1; null where that was not measured."""

    precision: float | None
    """What share of the ranked passages is right."""

    recall: float | None
    """What share of the right passages is ranked."""

    reciprocal_rank: float | None
    """1 over the rank of the first right passage."""

    hit: float | None
    """1 if a right passage is ranked, else 0."""

    precision_at_1: float | None
    """1 if the first passage is right, else 0."""

    ndcg: float | None
    """Normalised discounted cumulative gain."""

    exact_match: float | None
    """1 if the answer equals what was expected, but for case, articles and punctuation, else 0."""

    token_f1: float | None
    """How far the words of the answer and of what was expected agree."""

    citation_precision: float | None
    """What share of the cited passages is right."""

    citation_recall: float | None
    """What share of the right passages is cited."""

    quality: float | None
    """The answer's confidence."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> EvaluationScores:
        """Build it from its stored JSON."""
        return cls(**{name: stored.get(name) for name in cls.__annotations__})


@node(models.EvaluationCase)
class EvaluationCase(relay.Node):
    """One question of a run: what was expected, and what came."""

    id: relay.NodeID[UUID]

    run: EvaluationRun | None = relation(models.EvaluationCase.run)
    """The run that asked it."""

    number: int
    """Its place in the data set, from 1."""

    key: str
    """Its id in the data set."""

    question: str
    """As it was asked."""

    expected_answer: str | None
    """What was expected; null where only passages were, or nothing."""

    expected_passages: list[str]
    """The ids of the right passages in the data set; a few."""

    retrieved: list[str]
    """The ids of the ranked passages, the best first; 100 at most."""

    answer: str | None
    """What came; null where no answer did."""

    cited: list[str]
    """The ids of the passages that the answer cites; 20 at most."""

    correct: bool
    """Whether the answer holds the expected words; without such, whether it cites a right passage; where
    nothing was expected, whether nothing was found.
    """

    scores: EvaluationScores = computed(lambda case: EvaluationScores.of(case.scores), needs=("scores",))
    """How near it is."""

    latency_ms: float
    """From the question to the whole answer, in milliseconds."""

    error_message: str | None
    """Why no answer came."""

    created_at: datetime
    """When it was asked."""


@node(models.EvaluationRun)
class EvaluationRun(Job):
    """A model measured on a data set."""

    id: relay.NodeID[UUID]

    name: str
    """Display name."""

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
    """User who requested it."""

    cases: Connection[EvaluationCase] = connection(
        models.EvaluationRun.cases, orders=EvaluationCaseOrder, filter=EvaluationCaseFilter
    )
    """What was asked so far, in the order of the data set."""

    updated_at: datetime
    """Time of the last change."""
