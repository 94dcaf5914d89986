"""Evaluation runs: a model, measured on a data set."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Row, func, insert, select
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
    """How a run measures. `top_k` passages are ranked, the answer is made from the first `passages` of them.

    `test_cases` is how many questions are asked, None for all; `max_tokens` bounds an answer.
    """

    temperature: float = 0.0
    max_tokens: int = 1024
    top_k: int = 10
    passages: int = 5
    test_cases: int | None = None
    provider: str | None = None

    def to_json(self) -> dict[str, Any]:
        """What is said, as JSON values."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Self:
        """From the form that is stored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in (stored or {}).items() if name in known})


@dataclass(frozen=True)
class MeasureModel(Job):
    """Ask a model the questions of a data set."""

    run_id: UUID
    dimension: int
    queue: ClassVar[str] = "evaluation"
    row: ClassVar[JobModel] = EvaluationRun

    async def ended(self, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        """The passages are searched no more."""
        await enqueue_vector_removal(uow, self.run_id, self.dimension)

    async def restarted(self, uow: UnitOfWork) -> None:
        """It asks from the first question."""
        await uow.execute(sa.delete(EvaluationCase).where(EvaluationCase.run_id == self.run_id))
        await uow.execute(
            sa.update(EvaluationRun).where(EvaluationRun.id == self.run_id).values(metrics=None)
        )


def index_name(run_id: UUID) -> str:
    """The name of the vector store that holds a run's passages, and nothing else."""
    return f"evaluation {run_id}"


async def enqueue_vector_removal(uow: UnitOfWork, run_id: UUID, dimension: int) -> None:
    """Queue the removal of a run's vectors."""
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
) -> Row[Any]:
    """A run over a bundled data set, or over an upload of the viewer's. `dimension` is the embedder's."""
    access.require(viewer, "evaluations:create")
    how = validate_options(settings, options)
    values: dict[str, Any] = {
        **validators.values(EvaluationRun, {"name": name, "description": description or None}, "input"),
        "model_name": answer_model(settings, how, model_name),
        "config": how.to_json(),
        "requested_by_id": viewer.user_id,
        **await dataset_columns(uow, viewer, dataset_name, upload_id),
    }
    id = await uow.scalar(insert(EvaluationRun).values(values).returning(EvaluationRun.id))
    await (queue.enqueue if start else queue.prepare)(uow, MeasureModel(id, dimension), id)
    await activity_log.record(uow, viewer.user_id, "EVALUATION_RUN_CREATE", "EvaluationRun", id)
    return await uow.one(select(EvaluationRun).where(EvaluationRun.id == id))


def validate_options(settings: Settings, given: Mapping[str, Any]) -> RunOptions:
    """The options with what is usual for the others; raises `Invalid`."""
    path = "input", "config"
    asked = {name: value for name, value in given.items() if value is not None}
    if (provider := asked.pop("provider", None)) is not None:
        providers.validate_provider(settings, provider, *path, "provider")
        asked["provider"] = provider.value
    how = RunOptions(**asked)
    for field, least, most in (
        ("temperature", 0, 2),
        ("max_tokens", 1, MAX_ANSWER_TOKENS),
        ("top_k", 1, MAX_TOP_K),
        ("passages", 1, MAX_ANSWER_PASSAGES),
    ):
        validators.within(getattr(how, field), least, most, *path, validators.camel(field))
    if how.test_cases is not None:
        validators.within(how.test_cases, 1, MAX_QUESTIONS, *path, "testCases")
    if how.passages > how.top_k:
        raise Invalid("An answer is made from passages that are ranked: at most `topK`.", *path, "passages")
    return how


def answer_model(settings: Settings, how: RunOptions, asked: str | None) -> str:
    """The name of the model that will answer; `Invalid` where the installation has none of that name."""
    path = "input", "modelName"
    name = validators.optional(asked, *path, limit=100)
    if provider_of(how) is not LlmProvider.CUSTOM:
        named = {key: endpoint.model for key, endpoint in settings.chat_providers.items()}
        return name or named[provider_of(how).value]  # type: ignore[index]
    if settings.chat_url is not None:
        return name or settings.chat_model
    if name not in (None, EXTRACTIVE):
        raise Invalid(f"This installation has no language model; {EXTRACTIVE} answers here.", *path)
    return EXTRACTIVE


def provider_of(how: RunOptions) -> LlmProvider:
    """Where the model runs."""
    return LlmProvider(how.provider) if how.provider else LlmProvider.CUSTOM


async def dataset_columns(
    uow: UnitOfWork, viewer: Viewer, dataset_name: str | None, upload_id: UUID | None
) -> dict[str, Any]:
    """The columns that say which data set it is."""
    if upload_id is None:
        if dataset_name is None:
            raise Invalid("Name a data set, or give `datasetUploadId`.", "input", "datasetName")
        if dataset_name not in BUNDLED:
            names = ", ".join(sorted(BUNDLED))
            raise Invalid(f"The data sets that come with Seshat: {names}.", "input", "datasetName")
        return {"dataset_name": dataset_name}
    path = "input", "datasetUploadId"
    upload = await files.find_stored(uow, viewer, upload_id, *path)
    if upload.size > MAX_FILE_BYTES:
        raise Invalid(f"A data set has at most {MAX_FILE_BYTES:,} bytes.", *path)
    name = validators.optional(dataset_name, "input", "datasetName", limit=200) or upload.filename[:200]
    if name in BUNDLED:
        raise Invalid("A data set that comes with Seshat is called so.", "input", "datasetName")
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
    """Delete a run that is not under way."""
    access.require(viewer, "evaluations:delete")
    await access.find(uow, viewer, EvaluationRun, id, lock=True)
    if await queue.is_queued(uow, id):
        raise Conflict("Cancel it first.", "id")
    await uow.execute(sa.delete(EvaluationRun).where(EvaluationRun.id == id))
    await activity_log.record(uow, viewer.user_id, "EVALUATION_RUN_DELETE", "EvaluationRun", id)


async def find(uow: UnitOfWork, id: UUID) -> Row[Any] | None:
    """The run; none where it is gone."""
    return await uow.first(select(EvaluationRun).where(EvaluationRun.id == id))


async def dataset_key(uow: UnitOfWork, upload_id: UUID) -> str:
    """Where the data set's file is stored."""
    return str(await uow.scalar(select(Upload.storage_key).where(Upload.id == upload_id)))


async def answered_numbers(uow: UnitOfWork, run_id: UUID) -> set[int]:
    """The questions that were asked already."""
    found = await uow.all(select(EvaluationCase.number).where(EvaluationCase.run_id == run_id))
    return {row.number for row in found}


async def store_case(
    uow: UnitOfWork, run: Row[Any], number: int, case: Mapping[str, Any], usage: Mapping[str, Any] | None
) -> None:
    """Keep a case, once, with what its answer took."""
    row = upsert(EvaluationCase).values(run_id=run.id, number=number, **case)
    kept = row.on_conflict_do_nothing(index_elements=["company_id", "run_id", "number"])
    if await uow.scalar(kept.returning(EvaluationCase.id)) is not None and usage is not None:
        whose = {"user_id": run.requested_by_id, "operation_id": str(run.id)}
        await uow.execute(insert(TokenUsage).values({**whose, **usage}))


async def common_failure(uow: UnitOfWork, run_id: UUID, enough: int) -> str | None:
    """Why every question failed so far, if `enough` did and none went well."""
    statement = select(
        func.count(), func.count(EvaluationCase.error_message), func.max(EvaluationCase.error_message)
    ).where(EvaluationCase.run_id == run_id)
    asked, failed, reason = tuple(await uow.one(statement))
    return str(reason) if asked == failed >= enough else None


async def list_cases(uow: UnitOfWork, run_id: UUID) -> Sequence[Row[Any]]:
    """What the measures are made from, in the order of the questions."""
    case = EvaluationCase
    columns = case.key, case.correct, case.scores, case.latency_ms, case.error_message
    return await uow.all(select(*columns).where(case.run_id == run_id).order_by(case.number))


async def complete(uow: UnitOfWork, run_id: UUID, metrics: Mapping[str, Any], dimension: int) -> None:
    """Keep what was measured, and let go of the passages."""
    values = {"metrics": dict(metrics)}
    await uow.execute(sa.update(EvaluationRun).where(EvaluationRun.id == run_id).values(values))
    await enqueue_vector_removal(uow, run_id, dimension)
