"""Rollout of embedding models: which model each company is searched with, and the switch to another one.

The active model is chosen by the platform. A company is searched with the model of its vectors
(`companies.embedding_model_id`) until a job has embedded all its documents with the active one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Select, func, select, update

from core.ports import Embedder, Embedders, UnknownEmbedder
from db.database import Database
from db.models import (
    Company,
    CompanyKind,
    Document,
    DocumentChunk,
    EmbeddingModel,
    ProcessingJob,
    ProcessingJobType,
)
from db.queue import Job
from db.uow import UnitOfWork
from resolvers.access import Viewer
from resolvers.activity_log import requester_id
from resolvers.jobs import start_processing
from resolvers.knowledge.documents import SEARCHABLE

SUBJECT = "embedding model"

ACTIVE_MODEL_ID = select(EmbeddingModel.id).where(EmbeddingModel.is_active).scalar_subquery()
PLATFORM_MODEL_ID = (
    select(Company.embedding_model_id).where(Company.kind == CompanyKind.PLATFORM).scalar_subquery()
)
DEFAULT_MODEL_ID = func.coalesce(PLATFORM_MODEL_ID, ACTIVE_MODEL_ID)
"""The model of a company without documents: that of the documents published by the platform."""


@dataclass(frozen=True)
class ReembedDocuments(Job):
    """Embed a company's documents with another model, then switch the company to it."""

    model_id: UUID
    queue: ClassVar[str] = "reembedding"


async def search_embedder(uow: UnitOfWork, embedders: Embedders) -> Embedder:
    """The embedder that the unit's company is searched with. Raises `UnknownEmbedder`."""
    model = await uow.first(_model(_company_model_id(uow.company_id)))
    return embedders.default if model is None else embedder_of(embedders, model)


async def indexing_embedders(uow: UnitOfWork, embedders: Embedders) -> list[Embedder]:
    """The embedders of new documents. Fixes the company's model if it has none.

    The platform's documents are searched together with those of each company, and so are embedded with every
    model in use. Raises `UnknownEmbedder`.
    """
    company = Company.id == uow.company_id
    statement = update(Company).where(company, Company.embedding_model_id.is_(None))
    await uow.execute(statement.values(embedding_model_id=DEFAULT_MODEL_ID))
    own = await search_embedder(uow, embedders)
    if await uow.scalar(select(Company.kind).where(company)) is not CompanyKind.PLATFORM:
        return [own]
    in_use = select(Company.embedding_model_id).where(Company.embedding_model_id.is_not(None))
    others = select(EmbeddingModel).where(
        EmbeddingModel.id.in_(in_use.distinct()), EmbeddingModel.name != own.model
    )
    return [own, *(embedder_of(embedders, model) for model in await uow.all(others))]


async def is_current(uow: UnitOfWork, embedders: Embedders, embedder: Embedder) -> bool:
    """Whether the company is searched with this embedder; locked until the unit ends."""
    await uow.execute(select(Company.id).where(Company.id == uow.company_id).with_for_update(read=True))
    return (await search_embedder(uow, embedders)).model == embedder.model


async def begin_reembedding(uow: UnitOfWork, model_id: UUID, *, restart: bool) -> EmbeddingModel | None:
    """The model to embed with, or None if another one has been activated.

    With `restart`, no document counts as embedded with it unless the company is searched with it, because
    vectors of an earlier rollout may have been deleted.
    """
    model = await uow.first(_model(model_id))
    active = model is not None and model.is_active
    if restart or not active:
        own = select(Company.embedding_model_id).where(Company.id == uow.company_id).scalar_subquery()
        current = await uow.first(_model(own))
        name = current.name if current else None
        label = {"embedding_model": name, "updated_at": Document.updated_at}
        other = Document.embedding_model.is_distinct_from(name)
        await uow.execute(update(Document).where(SEARCHABLE, other).values(label))
    return model if active else None


async def next_document(uow: UnitOfWork, model: EmbeddingModel, after: UUID | None) -> Document | None:
    """The next document by id that is not embedded with the model yet, wrapping around at the end."""
    statement = (
        select(Document.id, Document.uploaded_by_id, Document.scope, Document.processed_at)
        .where(SEARCHABLE, Document.embedding_model.is_distinct_from(model.name))
        .order_by(Document.id)
        .limit(1)
    )
    following = statement.where(Document.id > after) if after else statement
    document: Document | None = await uow.first(following) or await uow.first(statement)
    return document


async def switch_company(uow: UnitOfWork, model: EmbeddingModel) -> bool:
    """Switch the company to the model, unless another one is active; False if documents are left.

    Documents in processing are embedded again when they complete.
    """
    company = select(Company.id).where(Company.id == uow.company_id)
    await uow.execute(company.with_for_update(key_share=True))
    active = await uow.scalar(select(EmbeddingModel.is_active).where(EmbeddingModel.id == model.id))
    if active and await next_document(uow, model, None) is not None:
        return False
    if active:
        values = {"embedding_model_id": model.id}
        await uow.execute(update(Company).where(Company.id == uow.company_id).values(values))
    return True


async def count_documents(uow: UnitOfWork, model: EmbeddingModel) -> tuple[int, int]:
    """Number of searchable documents, and how many of them are embedded with the model."""
    embedded = func.count().filter(Document.embedding_model == model.name)
    row = await uow.one(select(func.count().label("total"), embedded.label("embedded")).where(SEARCHABLE))
    return row.total, row.embedded


async def list_chunks(uow: UnitOfWork, document_id: UUID) -> Sequence[DocumentChunk]:
    """The chunks of a document, in order."""
    statement = select(DocumentChunk.id, DocumentChunk.content)
    statement = statement.where(DocumentChunk.document_id == document_id)
    return await uow.all(statement.order_by(DocumentChunk.chunk_index))


async def mark_embedded(uow: UnitOfWork, document: Document, model: EmbeddingModel) -> bool:
    """Mark a document as embedded with the model; False if it has changed since it was read."""
    unchanged = (
        Document.id == document.id,
        Document.scope == document.scope,
        Document.processed_at == document.processed_at
        if document.processed_at
        else Document.processed_at.is_(None),
    )
    label = {"embedding_model": model.name, "updated_at": Document.updated_at}
    statement = update(Document).where(SEARCHABLE, *unchanged).values(label)
    if await uow.scalar(statement.returning(Document.id)) is None:
        return False
    chunks = update(DocumentChunk).where(DocumentChunk.document_id == document.id)
    values = {"embedding_model": model.name, "updated_at": DocumentChunk.updated_at}
    await uow.execute(chunks.values(values))
    return True


async def is_deleted(uow: UnitOfWork, document_id: UUID) -> bool:
    """Whether the document was deleted."""
    return await uow.scalar(select(Document.id).where(Document.id == document_id)) is None


async def enqueue(uow: UnitOfWork, model_id: UUID, viewer: Viewer | None = None) -> UUID:
    """Enqueue the re-embedding of the unit's company; returns the job's id."""
    kind = ProcessingJobType.RE_EMBEDDING
    return await start_processing(uow, ReembedDocuments(model_id), kind, SUBJECT, requester_id(uow, viewer))


async def enqueue_first(uow: UnitOfWork) -> UUID | None:
    """Enqueue the embedding of a company whose documents have no vectors; the job's id if it is new."""
    company = select(Company.embedding_model_id).where(Company.id == uow.company_id)
    current = await uow.scalar(company.with_for_update(key_share=True))
    active = await uow.first(_model(ACTIVE_MODEL_ID))
    if current is not None or active is None or await uow.scalar(_is_enqueued(active)):
        return None
    return await enqueue(uow, active.id)


async def enqueue_overdue(database: Database) -> None:
    """Enqueue the re-embedding of each company that does not use the active model, once per activation.

    The platform company goes first, so that its documents are found with the new model.
    """
    async with database.platform(read_only=True) as uow:
        active = await uow.first(select(EmbeddingModel).where(EmbeddingModel.is_active))
        if active is None:
            return
        statement = select(Company.id, Company.kind, Company.embedding_model_id)
        companies = await uow.all(statement.where(Company.embedding_model_id.is_distinct_from(active.id)))
    outdated = [company.id for company in companies if company.embedding_model_id is not None]
    platform = [company.id for company in companies if company.kind is CompanyKind.PLATFORM]
    for company_id in platform if outdated and platform else outdated:
        async with database.tenant(company_id) as uow:
            company = select(Company.id).where(Company.id == company_id)
            exists = await uow.scalar(company.with_for_update(key_share=True)) is not None
            if exists and not await uow.scalar(_is_enqueued(active)):
                await enqueue(uow, active.id)


async def unused_models(uow: UnitOfWork) -> Sequence[EmbeddingModel]:
    """The models that are not in use. None can be activated until the unit ends."""
    models = await uow.all(select(EmbeddingModel).order_by(EmbeddingModel.id).with_for_update())
    in_use = {row[0] for row in await uow.all(select(Company.embedding_model_id).distinct())}
    return [model for model in models if not model.is_active and model.id not in in_use]


async def unavailable_reason(uow: UnitOfWork, embedders: Embedders) -> str | None:
    """Why this installation cannot run the active model, or None."""
    active = await uow.first(_model(ACTIVE_MODEL_ID))
    try:
        if active is not None:
            embedder_of(embedders, active)
    except UnknownEmbedder as error:
        return str(error)
    return None


def embedder_of(embedders: Embedders, model: EmbeddingModel) -> Embedder:
    """The embedder of a model. Raises `UnknownEmbedder`."""
    return embedders.of(model.provider, model.name, model.dimension, model.max_tokens)


def _company_model_id(company_id: UUID) -> Any:
    own = select(Company.embedding_model_id).where(Company.id == company_id).scalar_subquery()
    return func.coalesce(own, DEFAULT_MODEL_ID)


def _model(id: Any) -> Select[Any]:
    return select(EmbeddingModel).where(EmbeddingModel.id == id)


def _is_enqueued(active: EmbeddingModel) -> Select[Any]:
    """Whether the job of this activation exists in the company, in any state."""
    job = select(ProcessingJob.id).where(
        ProcessingJob.job_type == ProcessingJobType.RE_EMBEDDING,
        ProcessingJob.arguments["model_id"].astext == str(active.id),
    )
    if active.activated_at is not None:
        job = job.where(ProcessingJob.created_at >= active.activated_at)
    return select(job.exists())
