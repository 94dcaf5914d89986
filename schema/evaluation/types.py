"""Types, sort orders and filters of the evaluation domain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from strawberry import relay
from strawberry.scalars import JSON
from strawberry.utils.str_converters import to_camel_case

from db import models
from db.models import JobStatus
from db.pagination import Order
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import Connection, connection, relation
from schema.framework.payloads import derived_field
from schema.jobs import Job
from schema.lazy_types import UserRef


@enumeration
class EvaluationRunOrder(Enum):
    """Sort orders of evaluation runs."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@input
class EvaluationRunFilter:
    """Conditions for listing evaluation runs."""

    status: JobStatus | None = None
    """Matches items in this state."""

    model_name: str | None = None
    """Matches runs of this model."""

    def where(self, run: Any) -> list[ColumnElement[bool]]:
        found = [run.status == self.status] if self.status else []
        return found + ([run.model_name == self.model_name] if self.model_name is not None else [])


@output
class EvaluationMetric:
    """A metric of a run, with the number of cases that it rests on."""

    name: str
    """Name of the field of `EvaluationMetrics`, such as `exactMatch`."""

    value: float | None
    """Value of the metric. Null where not measured."""

    cases: int | None
    """Number of questions that the value is computed from, failed ones included. Null for runs that did not
    count them.
    """


@output
class EvaluationMetrics:
    """Metrics of a run. Null where not measured. A question without an answer counts as a failure: all that
    was expected of its answer is 0, and the ranking is measured if the passages were retrieved.
    """

    values: list[EvaluationMetric]
    """All metrics, with the number of questions of each. Not paginated."""

    accuracy: float | None
    """Share of correct answers of all questions, from 0 to 1."""

    precision: float | None
    """Share of the first `depth` passages that are relevant, from 0 to 1."""

    recall: float | None
    """Share of the relevant passages among the first `depth`, from 0 to 1."""

    f1_score: float | None
    """Harmonic mean of precision and recall, from 0 to 1."""

    mrr: float | None
    """Mean reciprocal rank of the first relevant passage, from 0 to 1."""

    hit_rate: float | None
    """Share of questions with a relevant passage among the first `depth`, from 0 to 1."""

    precision_at_1: float | None
    """Share of questions whose first passage is relevant, from 0 to 1."""

    ndcg: float | None
    """Normalized discounted cumulative gain of the first `depth` passages, from 0 to 1."""

    exact_match: float | None
    """Share of answers equal to the expected answer, ignoring case, articles and punctuation, from 0 to 1."""

    token_f1: float | None
    """Token F1 between answers and expected answers, as defined by SQuAD, from 0 to 1."""

    citation_precision: float | None
    """Share of the cited passages that are relevant, from 0 to 1."""

    citation_recall: float | None
    """Share of the relevant passages that are cited, from 0 to 1."""

    depth: int | None
    """Number of passages ranked per question."""

    cases: int | None
    """Number of questions."""

    failed_cases: int | None
    """Number of questions without an answer."""

    avg_quality_score: float | None
    """Mean confidence of the answers, from 0 to 100. A failed question has 0."""

    avg_latency_ms: float | None
    """Mean time to a complete answer, in milliseconds, without failed questions."""

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> EvaluationMetrics | None:
        """Build it from its stored JSON."""
        if stored is None:
            return None
        fields = {name: stored.get(name) for name in cls.__annotations__ if name != "values"}
        counts = stored.get("counts", {})
        if not counts and stored.get("depth") and fields["avg_quality_score"] is not None:
            fields["avg_quality_score"] *= 100  # until cases were counted, it was stored from 0 to 1
        values = [
            EvaluationMetric(name=to_camel_case(name), value=value, cases=counts.get(name))
            for name, value in fields.items()
            if name not in PLAIN_COUNTS
        ]
        return cls(values=values, **fields)


PLAIN_COUNTS = frozenset({"depth", "cases", "failed_cases"})
"""Fields of `EvaluationMetrics` that are no metrics."""


@enumeration
class EvaluationCaseOrder(Enum):
    """Sort orders of the cases of a run."""

    NUMBER_ASC = Order("number")
    NUMBER_DESC = Order("number", descending=True)


@input
class EvaluationCaseFilter:
    """Conditions for listing evaluation cases."""

    correct: bool | None = None
    """If true, matches correctly answered cases. If false, matches all other cases."""

    def where(self, case: Any) -> list[ColumnElement[bool]]:
        return [case.correct == self.correct] if self.correct is not None else []


@output
class EvaluationScores:
    """Scores of a case, each from 0 to 1. Null where not measured."""

    precision: float | None
    """Share of the ranked passages that are relevant."""

    recall: float | None
    """Share of the relevant passages that are ranked."""

    reciprocal_rank: float | None
    """Reciprocal rank of the first relevant passage."""

    hit: float | None
    """1 if a relevant passage is ranked, else 0."""

    precision_at_1: float | None
    """1 if the first passage is relevant, else 0."""

    ndcg: float | None
    """Normalized discounted cumulative gain."""

    exact_match: float | None
    """1 if the answer equals the expected answer, ignoring case, articles and punctuation, else 0."""

    token_f1: float | None
    """Token F1 between the answer and the expected answer."""

    citation_precision: float | None
    """Share of the cited passages that are relevant."""

    citation_recall: float | None
    """Share of the relevant passages that are cited."""

    quality: float | None
    """Confidence of the answer."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> EvaluationScores:
        """Build it from its stored JSON."""
        return cls(**{name: stored.get(name) for name in cls.__annotations__})


@node(models.EvaluationCase)
class EvaluationCase(relay.Node):
    """A question of a run, with the expected and the actual result."""

    id: relay.NodeID[UUID]

    run: EvaluationRun | None = relation(models.EvaluationCase.run)
    """Run of the case."""

    number: int
    """Position in the data set, from 1."""

    key: str
    """ID in the data set."""

    question: str
    """The question."""

    expected_answer: str | None
    """Expected answer, or null."""

    expected_passages: list[str]
    """IDs of the relevant passages in the data set. Not paginated."""

    retrieved: list[str]
    """IDs of the ranked passages, best first. Maximum 100."""

    answer: str | None
    """Generated answer, or null."""

    cited: list[str]
    """IDs of the passages cited in the answer. Maximum 20."""

    correct: bool
    """Whether the answer contains the expected words; without an expected answer, whether it cites a relevant
    passage; for an unanswerable question, whether no answer was found.
    """

    scores: EvaluationScores = derived_field(lambda case: EvaluationScores.of(case.scores), needs=("scores",))
    """Scores of the case."""

    latency_ms: float
    """Time from the question to the complete answer, in milliseconds."""

    error_message: str | None
    """Reason why there is no answer, or null."""

    created_at: datetime
    """Time of the question."""


@node(models.EvaluationRun)
class EvaluationRun(Job):
    """Evaluation of a model on a data set."""

    id: relay.NodeID[UUID]

    name: str
    """Name of the run."""

    description: str | None
    """Description of the run."""

    model_name: str
    """Name of the evaluated model."""

    dataset_name: str | None
    """Name of the data set."""

    config: JSON | None
    """Configuration of the run, such as temperature and limits."""

    metrics: EvaluationMetrics | None = derived_field(
        lambda run: EvaluationMetrics.of(run.metrics), needs=("metrics",)
    )
    """Metrics of the run."""

    created_by: UserRef | None = relation(models.EvaluationRun.created_by)
    """User who created the run."""

    cases: Connection[EvaluationCase] = connection(
        models.EvaluationRun.cases, orders=EvaluationCaseOrder, filter=EvaluationCaseFilter
    )
    """Cases completed so far, in the order of the data set."""

    updated_at: datetime
    """Time of the last change."""
