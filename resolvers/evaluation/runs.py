"""Evaluation runs: measure a model on a data set."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from core.errors import Conflict, Invalid
from core.ports import EXTRACTIVE
from core.settings import Settings
from db import queue
from db.models import EvaluationCase, EvaluationRun, JobStatus, LlmProvider, TokenUsage, Upload
from db.queue import Job, JobModel
from db.uow import UnitOfWork
from resolvers import access, activity_log, files, validators
from resolvers.access import Viewer
from resolvers.chat import providers
from resolvers.evaluation.datasets import BUNDLED, MAX_FILE_BYTES, MAX_QUESTIONS
from resolvers.knowledge import vector_sync
from resolvers.knowledge.vector_sync import ForgetModel
from resolvers.rows import update_row

MAX_TOP_K, MAX_ANSWER_PASSAGES, MAX_ANSWER_TOKENS = 100, 20, 32_000


@dataclass(frozen=True)
class RunOptions:
    """Options of a run: `top_k` passages are ranked, and the first `passages` are used for the answer.

    `test_cases` limits the number of questions, `max_tokens` the length of an answer.
    """

    temperature: float = 0.0
    max_tokens: int = 1024
    top_k: int = 10
    passages: int = 5
    test_cases: int | None = None
    provider: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The options that are set, as JSON values."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> Self:
        """The options stored as JSON."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in (values or {}).items() if name in known})


@dataclass(frozen=True)
class MeasureModel(Job):
    """Measure a model on the questions of a data set."""

    run_id: UUID
    dimension: int
    queue: ClassVar[str] = "evaluation"
    row: ClassVar[JobModel] = EvaluationRun

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """Enqueue the deletion of the passages' vectors."""
        await enqueue_vector_removal(uow, self.run_id, self.dimension)

    async def restarted(self, uow: UnitOfWork) -> None:
        """Delete the results, to start from the first question."""
        await uow.execute(sa.delete(EvaluationCase).where(EvaluationCase.run_id == self.run_id))
        await uow.execute(
            sa.update(EvaluationRun).where(EvaluationRun.id == self.run_id).values(metrics=None)
        )


def index_name(run_id: UUID) -> str:
    """Name of the vector store of a run's passages."""
    return f"evaluation {run_id}"


async def enqueue_vector_removal(uow: UnitOfWork, run_id: UUID, dimension: int) -> None:
    """Enqueue the deletion of a run's vectors."""
    await vector_sync.enqueue(uow, None, ForgetModel(index_name(run_id), dimension))


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    settings: Settings,
    *,
    name: str,
    description: str | None,
    model_name: str | None,
    dataset_name: str | None,
    upload_id: UUID | None,
    options: Mapping[str, Any],
    dimension: int,
    start: bool,
) -> EvaluationRun:
    """Create a run on a bundled data set or an upload of the viewer's. `dimension` is the embedder's."""
    access.require(viewer, "evaluations:create")
    run_options = validate_options(settings, options)
    values: dict[str, Any] = {
        **validators.values(EvaluationRun, {"name": name, "description": description or None}, "input"),
        "model_name": answer_model(settings, run_options, model_name),
        "config": run_options.to_json(),
        "requested_by_id": viewer.user_id,
        **await dataset_columns(uow, viewer, dataset_name, upload_id),
    }
    id = await uow.scalar(insert(EvaluationRun).values(values).returning(EvaluationRun.id))
    await (queue.enqueue if start else queue.prepare)(uow, MeasureModel(id, dimension), id)
    await activity_log.record(uow, viewer.user_id, "EVALUATION_RUN_CREATE", "EvaluationRun", id)
    return await uow.one(select(EvaluationRun).where(EvaluationRun.id == id))


def validate_options(settings: Settings, values: Mapping[str, Any]) -> RunOptions:
    """The options with defaults for missing ones. Raises `Invalid`."""
    path = "input", "config"
    chosen = {name: value for name, value in values.items() if value is not None}
    if (provider := chosen.pop("provider", None)) is not None:
        providers.validate_provider(settings, provider, *path, "provider")
        chosen["provider"] = provider.value
    options = RunOptions(**chosen)
    for field, minimum, maximum in (
        ("temperature", 0, 2),
        ("max_tokens", 1, MAX_ANSWER_TOKENS),
        ("top_k", 1, MAX_TOP_K),
        ("passages", 1, MAX_ANSWER_PASSAGES),
    ):
        validators.within(getattr(options, field), minimum, maximum, *path, validators.camel(field))
    if options.test_cases is not None:
        validators.within(options.test_cases, 1, MAX_QUESTIONS, *path, "testCases")
    if options.passages > options.top_k:
        if "passages" in chosen:
            raise Invalid(
                f"config.passages must be at most config.topK ({options.top_k}).", *path, "passages"
            )
        required = f"{options.passages}, the default of config.passages"
        raise Invalid(f"config.topK must be at least {required} (got {options.top_k}).", *path, "topK")
    return options


def answer_model(settings: Settings, options: RunOptions, model_name: str | None) -> str:
    """The name of the model that answers. Raises `Invalid` if the installation has no such model."""
    path = "input", "modelName"
    name = validators.optional(model_name, *path, limit=100)
    if provider_of(options) is not LlmProvider.CUSTOM:
        named = {key: endpoint.model for key, endpoint in settings.chat_providers.items()}
        return name or named[provider_of(options).value]  # type: ignore[index]
    if settings.chat_url is not None:
        return name or settings.chat_model
    if name not in (None, EXTRACTIVE):
        raise Invalid(f"This installation has no language model. modelName must be {EXTRACTIVE}.", *path)
    return EXTRACTIVE


def provider_of(options: RunOptions) -> LlmProvider:
    """The provider of the model."""
    return LlmProvider(options.provider) if options.provider else LlmProvider.CUSTOM


async def dataset_columns(
    uow: UnitOfWork, viewer: Viewer, dataset_name: str | None, upload_id: UUID | None
) -> dict[str, Any]:
    """The columns that identify the data set."""
    if upload_id is None:
        if dataset_name is None:
            raise Invalid("Either datasetName or datasetUploadId is required.", "input", "datasetName")
        if dataset_name not in BUNDLED:
            names = ", ".join(sorted(BUNDLED))
            raise Invalid(
                f"datasetName must be one of the bundled data sets: {names}.", "input", "datasetName"
            )
        return {"dataset_name": dataset_name}
    path = "input", "datasetUploadId"
    upload = await files.find_stored(uow, viewer, upload_id, *path)
    if upload.size > MAX_FILE_BYTES:
        raise Invalid(f"A data set must be at most {MAX_FILE_BYTES:,} bytes (got {upload.size:,}).", *path)
    name = validators.optional(dataset_name, "input", "datasetName", limit=200) or upload.filename[:200]
    if name in BUNDLED:
        raise Invalid("datasetName is the name of a bundled data set.", "input", "datasetName")
    return {"dataset_name": name, "upload_id": upload.id}


async def update(uow: UnitOfWork, viewer: Viewer, id: UUID, changes: Mapping[str, Any]) -> EvaluationRun:
    """Update a run's name or description."""
    access.require(viewer, "evaluations:create")
    run = await access.find(uow, viewer, EvaluationRun, id, lock=True)
    values = validators.values(EvaluationRun, changes, "input")
    if values:
        values["version"] = EvaluationRun.version + 1
    return await update_row(uow, viewer, EvaluationRun, run, values, "EVALUATION_RUN_UPDATE", fields=changes)


async def delete(uow: UnitOfWork, viewer: Viewer, id: UUID) -> None:
    """Delete a run. Raises `Conflict` while it is queued or running."""
    access.require(viewer, "evaluations:delete")
    await access.find(uow, viewer, EvaluationRun, id, lock=True)
    if await queue.is_queued(uow, id):
        raise Conflict("This run is queued or running. Cancel it first.", "id")
    await uow.execute(sa.delete(EvaluationRun).where(EvaluationRun.id == id))
    await activity_log.record(uow, viewer.user_id, "EVALUATION_RUN_DELETE", "EvaluationRun", id)


async def find(uow: UnitOfWork, id: UUID) -> EvaluationRun | None:
    """The run, or None if it has been deleted."""
    return await uow.first(select(EvaluationRun).where(EvaluationRun.id == id))


async def dataset_key(uow: UnitOfWork, upload_id: UUID) -> str:
    """Storage key of the data set's file."""
    return str(await uow.scalar(select(Upload.storage_key).where(Upload.id == upload_id)))


async def answered_numbers(uow: UnitOfWork, run_id: UUID) -> set[int]:
    """Numbers of the questions with a stored result."""
    rows = await uow.all(select(EvaluationCase.number).where(EvaluationCase.run_id == run_id))
    return {row.number for row in rows}


async def store_case(
    uow: UnitOfWork, run: EvaluationRun, number: int, case: Mapping[str, Any], usage: Mapping[str, Any] | None
) -> None:
    """Store a case, once, with its token usage."""
    row = upsert(EvaluationCase).values(run_id=run.id, number=number, **case)
    statement = row.on_conflict_do_nothing(index_elements=["company_id", "run_id", "number"])
    if await uow.scalar(statement.returning(EvaluationCase.id)) is not None and usage is not None:
        owner = {"user_id": run.requested_by_id, "operation_id": str(run.id)}
        await uow.execute(insert(TokenUsage).values({**owner, **usage}))


async def common_failure(uow: UnitOfWork, run_id: UUID, minimum: int) -> str | None:
    """The error message if at least `minimum` questions failed and none succeeded."""
    statement = select(
        func.count(), func.count(EvaluationCase.error_message), func.max(EvaluationCase.error_message)
    ).where(EvaluationCase.run_id == run_id)
    total, failed, reason = tuple(await uow.one(statement))
    return str(reason) if total == failed >= minimum else None


async def list_cases(uow: UnitOfWork, run_id: UUID) -> Sequence[EvaluationCase]:
    """The expectations and scores of the cases, in the order of the questions."""
    case = EvaluationCase
    columns = (
        *(case.key, case.question, case.expected_answer, case.expected_passages),
        *(case.correct, case.scores, case.latency_ms, case.error_message),
    )
    statement = select(*columns).where(case.run_id == run_id)
    rows: Sequence[EvaluationCase] = await uow.all(statement.order_by(case.number))
    return rows


async def complete(uow: UnitOfWork, run_id: UUID, metrics: Mapping[str, Any], dimension: int) -> None:
    """Store the metrics and enqueue the deletion of the passages' vectors."""
    values = {"metrics": dict(metrics)}
    await uow.execute(sa.update(EvaluationRun).where(EvaluationRun.id == run_id).values(values))
    await enqueue_vector_removal(uow, run_id, dimension)
