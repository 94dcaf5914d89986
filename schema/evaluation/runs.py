"""Creation and comparison of evaluation runs."""

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

Baseline = Annotated[relay.GlobalID, strawberry.argument(description="Global ID of the baseline run.")]
Candidate = Annotated[
    relay.GlobalID, strawberry.argument(description="Global ID of the run to compare with the baseline.")
]

AcrossSettings = Annotated[
    bool,
    strawberry.argument(
        description="If true, compares runs of different depths, data sets or questions as well, on the "
        "questions that both have. Default false."
    ),
]


@output
class EvaluationDifference:
    """Difference between two runs in one metric, over the questions for which both have it."""

    measure: str
    """Name of the metric, such as `reciprocal_rank`. `correct` is the share of correct answers."""

    baseline: float
    """Mean of the baseline."""

    candidate: float
    """Mean of the candidate."""

    difference: float
    """Mean of the candidate minus mean of the baseline."""

    pairs: int
    """Number of compared questions."""

    p_value: float
    """P-value of a paired, two-sided randomization test with 9,999 draws from a fixed seed. Exact for few
    questions.
    """


@output
class EvaluationRunQueries:
    @field
    async def evaluation_datasets(self, info: Info) -> list[str]:
        """The built-in data sets, by name. Not paginated."""
        info.context.viewer  # noqa: B018  for those who are signed in
        return sorted(BUNDLED)

    @field
    async def evaluation_comparison(
        self, info: Info, baseline: Baseline, candidate: Candidate, across_settings: AcrossSettings = False
    ) -> list[EvaluationDifference]:
        """Compares two completed runs of the same depth on the same questions of the same data set. Returns
        at most 10 metrics.
        """
        context = info.context
        first = key_of(baseline, models.EvaluationRun, "baseline")
        second = key_of(candidate, models.EvaluationRun, "candidate")
        if first == second:
            raise Invalid("candidate must differ from baseline.", "candidate")
        unit = context.read()
        before = await comparison.run_scores(unit, context.viewer, first, "baseline")
        after = await comparison.run_scores(unit, context.viewer, second, "candidate")
        await unit.release()
        if not across_settings:
            comparison.require_same_settings(before, after)
        return [
            EvaluationDifference(
                measure=found.measure,
                baseline=found.baseline,
                candidate=found.candidate,
                difference=found.difference,
                pairs=found.pairs,
                p_value=found.p_value,
            )
            for found in await comparison.compare(before.scores, after.scores)
        ]


@input
class EvaluationConfigInput:
    """Configuration of a run."""

    temperature: float | None = None
    """Sampling temperature of the model, from 0 to 2. Default 0."""

    max_tokens: int | None = None
    """Maximum length of an answer, in tokens. Default 1,024."""

    top_k: int | None = None
    """Number of passages to rank per question, from 1 to 100. Default 10."""

    passages: int | None = None
    """Number of best passages to generate the answer from, from 1 to 20. Default 5."""

    test_cases: int | None = None
    """Number of questions to run, from the start of the data set. Defaults to all."""

    provider: LlmProvider | None = None
    """Provider of the model. Defaults to the provider configured on the server."""


@input
class EvaluationRunCreateInput(IdempotentInput):
    """Input of `evaluationRunCreate`."""

    name: str
    """Name of the run, of at most 200 characters."""

    description: str | None = None
    """Description of the run."""

    model_name: str | None = None
    """Name of the model to evaluate. Defaults to the model of conversations."""

    dataset_name: str | None = None
    """Name of a built-in data set (see `evaluationDatasets`), or a name for the uploaded data set."""

    dataset_upload_id: relay.GlobalID | None = None
    """Global ID of an upload with a data set of at most 50 MB: JSON Lines, each a passage (`{"id", "text"}`)
    or a question (`{"id", "question", "answer", "passages": [ids]}`), or CSV with the columns `question`,
    `answer` and `passage`. A question with neither an answer nor a passage is unanswerable.
    """

    config: EvaluationConfigInput | None = None
    """Configuration of the run."""

    start: bool = True
    """If true, the job is queued immediately. If false, start it with `jobStart`."""


@output
class EvaluationRunCreatePayload(Payload):
    evaluation_run: EvaluationRun | None = None
    """The new run. Subscribe to `jobProgress` to follow it."""


@output
class EvaluationRunMutations:
    @mutation(idempotent=True)
    async def evaluation_run_create(
        self, info: Info, input: EvaluationRunCreateInput
    ) -> EvaluationRunCreatePayload:
        """Evaluate retrieval, answers and citations of a model on a data set. Only this run searches the
        passages of the data set.
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
