"""Making evaluation runs, and comparing them."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import relay

from core.errors import Invalid
from db import models
from db.models import LlmProvider
from resolvers.evaluation import comparison, runs
from resolvers.evaluation.datasets import BUNDLED
from schema.evaluation.types import EvaluationRun
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.global_ids import key_of, optional_key
from schema.framework.payloads import IdempotentInput, Payload, field, input_values, mutation

Baseline = Annotated[relay.GlobalID, strawberry.argument(description="The run to compare with.")]
Candidate = Annotated[relay.GlobalID, strawberry.argument(description="The run that is compared.")]


@output
class EvaluationDifference:
    """How two runs differ in one measure, over the questions that both have it for."""

    measure: str
    """Its name, such as `reciprocal_rank`; `correct` is the share of right answers."""

    baseline: float
    """The baseline's mean."""

    candidate: float
    """The candidate's mean."""

    difference: float
    """What the candidate's mean is larger by."""

    pairs: int
    """How many questions were compared."""

    p_value: float
    """How often chance makes a difference at least so large: a paired, two-sided randomisation test with
    9,999 draws from a fixed seed, exact for few questions.
    """


@output
class EvaluationRunQueries:
    @field
    async def evaluation_datasets(self, info: Info) -> list[str]:
        """The data sets that come with Seshat, a few, by name."""
        info.context.viewer  # noqa: B018  for those who are signed in
        return sorted(BUNDLED)

    @field
    async def evaluation_comparison(
        self, info: Info, baseline: Baseline, candidate: Candidate
    ) -> list[EvaluationDifference]:
        """How two completed runs differ, in at most ten measures; they have questions in common."""
        context = info.context
        first = key_of(baseline, models.EvaluationRun, "baseline")
        second = key_of(candidate, models.EvaluationRun, "candidate")
        if first == second:
            raise Invalid("This is the same run.", "candidate")
        unit = context.read()
        before = await comparison.run_scores(unit, context.viewer, first, "baseline")
        after = await comparison.run_scores(unit, context.viewer, second, "candidate")
        await unit.release()
        return [
            EvaluationDifference(
                measure=found.measure,
                baseline=found.baseline,
                candidate=found.candidate,
                difference=found.difference,
                pairs=found.pairs,
                p_value=found.p_value,
            )
            for found in await comparison.compare(before, after)
        ]


@input
class EvaluationConfigInput:
    """How to measure; what is left out is as usual."""

    temperature: float | None = None
    """How freely the model answers, 0 to 2; 0 unless told."""

    max_tokens: int | None = None
    """The longest answer, in tokens; 1,024 unless told."""

    top_k: int | None = None
    """How many passages are ranked for a question, 1 to 100; 10 unless told."""

    passages: int | None = None
    """From how many of them the answer is made, the best first, 1 to 20; 5 unless told."""

    test_cases: int | None = None
    """How many questions are asked, the first ones of the data set; all unless told."""

    provider: LlmProvider | None = None
    """Where the model runs; the installation's own unless told."""


@input
class EvaluationRunCreateInput(IdempotentInput):
    """A model to measure, and what on."""

    name: str
    """What people call it, in at most 200 characters."""

    description: str | None = None
    """What it is to find out."""

    model_name: str | None = None
    """The model to measure; unless given, the one that answers in conversations."""

    dataset_name: str | None = None
    """A data set that comes with Seshat (`evaluationDatasets`), or what the uploaded one is to be called."""

    dataset_upload_id: relay.GlobalID | None = None
    """A data set of one's own, of at most 50 MB: JSON Lines, each a passage (`{"id", "text"}`) or a question
    (`{"id", "question", "answer", "passages": [ids]}`), or CSV with the columns `question`, `answer` and
    `passage`. A question without an answer and a passage is one that nothing answers.
    """

    config: EvaluationConfigInput | None = None
    """How to measure."""

    start: bool = True
    """If true, the job is queued immediately. If false, start it with `jobStart`."""


@output
class EvaluationRunCreatePayload(Payload):
    evaluation_run: EvaluationRun | None = None
    """The new run; `jobProgress` tells how it goes."""


@output
class EvaluationRunMutations:
    @mutation(idempotent=True)
    async def evaluation_run_create(
        self, info: Info, input: EvaluationRunCreateInput
    ) -> EvaluationRunCreatePayload:
        """Measure a model: its retrieval, its answers and their sources, over a data set. The passages of the
        data set are searched by this run alone.
        """
        services, upload = info.context.services, input.dataset_upload_id
        values = input_values(input, omit=("config", "dataset_upload_id")) | {
            "upload_id": optional_key(upload, models.Upload, "input", "datasetUploadId"),
            "options": vars(input.config) if input.config else {},
            "dimension": services.embedders.default.dimension,
        }
        async with info.context.write() as uow:
            run = await runs.create(uow, info.context.viewer, services.settings, **values)
        return EvaluationRunCreatePayload.of(evaluation_run=run)
