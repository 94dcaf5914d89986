"""By which embedding model each company is searched, and how another one takes over.

The active model is the platform's choice. A company goes on being searched by the model that all its vectors
are of (`companies.embedding_model_id`) until a job has embedded its documents by the active one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, Select, func, select, update

from core.ports import Embedder, Embedders, UnknownEmbedder
from db.models import (
    Company,
    CompanyKind,
    Document,
    DocumentChunk,
    EmbeddingModel,
    ProcessingJob,
    ProcessingJobType,
    ProcessingStatus,
)
from db.queue import Job
from db.uow import Database, UnitOfWork
from resolvers.access import Viewer
from resolvers.activity_log import requester_id
from resolvers.jobs import start_processing

SUBJECT = "embedding model"

ACTIVE_MODEL_ID = select(EmbeddingModel.id).where(EmbeddingModel.is_active).scalar_subquery()
PLATFORM_MODEL_ID = (
    select(Company.embedding_model_id).where(Company.kind == CompanyKind.PLATFORM).scalar_subquery()
)
DEFAULT_MODEL_ID = func.coalesce(PLATFORM_MODEL_ID, ACTIVE_MODEL_ID)
"""What a company without documents is searched by: what the platform publishes is embedded by it."""


@dataclass(frozen=True)
class EmbedAnew(Job):
    """Embed a company's documents by another model; when all are, it is searched by that one."""

    model_id: UUID
    queue: ClassVar[str] = "documents"


async def search_embedder(uow: UnitOfWork, embedders: Embedders) -> Embedder:
    """By whom the unit's company is searched. Raises `UnknownEmbedder` where nothing runs that model."""
    model = await uow.first(_model(_company_model_id(uow.company_id)))
    return embedders.default if model is None else embedder_of(embedders, model)


async def indexing_embedders(uow: UnitOfWork, embedders: Embedders) -> list[Embedder]:
    """By whom new documents are embedded: by whom the company is searched, which is settled with this.

    What the platform publishes is searched with each company's own documents, and so embedded by every model
    that a company is still searched by. Raises `UnknownEmbedder`.
    """
    company = Company.id == uow.company_id
    settled = update(Company).where(company, Company.embedding_model_id.is_(None))
    await uow.execute(settled.values(embedding_model_id=DEFAULT_MODEL_ID))
    own = await search_embedder(uow, embedders)
    if await uow.scalar(select(Company.kind).where(company)) is not CompanyKind.PLATFORM:
        return [own]
    elsewhere = select(Company.embedding_model_id).where(Company.embedding_model_id.is_not(None))
    others = select(EmbeddingModel).where(
        EmbeddingModel.id.in_(elsewhere.distinct()), EmbeddingModel.name != own.model
    )
    return [own, *(embedder_of(embedders, model) for model in await uow.all(others))]


async def is_current(uow: UnitOfWork, embedders: Embedders, embedder: Embedder) -> bool:
    """Whether the company is searched by this one still, and stays so until the unit ends."""
    await uow.execute(select(Company.id).where(Company.id == uow.company_id).with_for_update(read=True))
    return (await search_embedder(uow, embedders)).model == embedder.model


async def begin_reembedding(uow: UnitOfWork, model_id: UUID, *, anew: bool) -> Row[Any] | None:
    """The model to embed by; none where another one was activated since.

    With `anew`, no document counts as embedded by it unless the company is searched by it: of an earlier
    time, its vectors may be gone.
    """
    model = await uow.first(_model(model_id))
    active = model is not None and model.is_active
    if anew or not active:
        own = select(Company.embedding_model_id).where(Company.id == uow.company_id).scalar_subquery()
        serves = await uow.first(_model(own))
        name = serves.name if serves else None
        label = {"embedding_model": name, "updated_at": Document.updated_at}
        other = Document.embedding_model.is_distinct_from(name)
        await uow.execute(update(Document).where(*_searchable(), other).values(label))
    return model if active else None


async def next_document(uow: UnitOfWork, model: Row[Any], after: UUID | None) -> Row[Any] | None:
    """The next document that is not embedded by the model yet; after the last one, the first such."""
    statement = (
        select(Document.id, Document.uploaded_by_id, Document.scope, Document.processed_at)
        .where(*_searchable(), Document.embedding_model.is_distinct_from(model.name))
        .order_by(Document.id)
        .limit(1)
    )
    found = await uow.first(statement.where(Document.id > after)) if after else None
    return found or await uow.first(statement)


async def switch_company(uow: UnitOfWork, model: Row[Any]) -> bool:
    """Have the company searched by the model, unless a document is left or another model is active.

    Documents that are being worked on find, when they are done, that it is, and are embedded once more.
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


async def count_documents(uow: UnitOfWork, model: Row[Any]) -> tuple[int, int]:
    """How many documents can be searched, and how many of them are embedded by the model."""
    done = func.count().filter(Document.embedding_model == model.name)
    row = await uow.one(select(func.count().label("every"), done.label("done")).where(*_searchable()))
    return row.every, row.done


async def list_chunks(uow: UnitOfWork, document_id: UUID) -> Sequence[Row[Any]]:
    """The pieces of a document, in order."""
    statement = select(DocumentChunk.id, DocumentChunk.content)
    of_it = statement.where(DocumentChunk.document_id == document_id)
    return await uow.all(of_it.order_by(DocumentChunk.chunk_index))


async def mark_embedded(uow: UnitOfWork, document: Row[Any], model: Row[Any]) -> bool:
    """Say that a document is embedded by the model; not if it has changed since it was read."""
    same = (
        Document.id == document.id,
        Document.scope == document.scope,
        Document.processed_at == document.processed_at
        if document.processed_at
        else Document.processed_at.is_(None),
    )
    label = {"embedding_model": model.name, "updated_at": Document.updated_at}
    marked = update(Document).where(*_searchable(), *same).values(label)
    if await uow.scalar(marked.returning(Document.id)) is None:
        return False
    pieces = update(DocumentChunk).where(DocumentChunk.document_id == document.id)
    kept = {"embedding_model": model.name, "updated_at": DocumentChunk.updated_at}
    await uow.execute(pieces.values(kept))
    return True


async def is_deleted(uow: UnitOfWork, document_id: UUID) -> bool:
    """Whether the document was deleted."""
    return await uow.scalar(select(Document.id).where(Document.id == document_id)) is None


async def enqueue(uow: UnitOfWork, model_id: UUID, viewer: Viewer | None = None) -> UUID:
    """Queue the job that embeds the unit's company anew, at the wish of the viewer, if it is one's."""
    kind = ProcessingJobType.RE_EMBEDDING
    return await start_processing(uow, EmbedAnew(model_id), kind, SUBJECT, requester_id(uow, viewer))


async def enqueue_first(uow: UnitOfWork) -> UUID | None:
    """Queue the job of a company whose documents came without vectors; its id, if that is new."""
    company = select(Company.embedding_model_id).where(Company.id == uow.company_id)
    settled = await uow.scalar(company.with_for_update(key_share=True))
    active = await uow.first(_model(ACTIVE_MODEL_ID))
    if settled is not None or active is None or await uow.scalar(_is_enqueued(active)):
        return None
    return await enqueue(uow, active.id)


async def enqueue_overdue(database: Database) -> None:
    """Queue the job for each company that is not searched by the active model, once for each activation.

    The platform's goes first: whoever is searched by a model finds what is published by it too.
    """
    async with database.platform(read_only=True) as uow:
        active = await uow.first(select(EmbeddingModel).where(EmbeddingModel.is_active))
        if active is None:
            return
        searched = select(Company.id, Company.kind, Company.embedding_model_id)
        companies = await uow.all(searched.where(Company.embedding_model_id.is_distinct_from(active.id)))
    behind = [each.id for each in companies if each.embedding_model_id is not None]
    first = [each.id for each in companies if each.kind is CompanyKind.PLATFORM]
    for company_id in first if behind and first else behind:
        async with database.tenant(company_id) as uow:
            company = select(Company.id).where(Company.id == company_id)
            there = await uow.scalar(company.with_for_update(key_share=True)) is not None
            if there and not await uow.scalar(_is_enqueued(active)):
                await enqueue(uow, active.id)


async def unused_models(uow: UnitOfWork) -> Sequence[Row[Any]]:
    """The models that nothing is searched by; none is activated before the unit ends."""
    models = await uow.all(select(EmbeddingModel).order_by(EmbeddingModel.id).with_for_update())
    serve = {row[0] for row in await uow.all(select(Company.embedding_model_id).distinct())}
    return [model for model in models if not model.is_active and model.id not in serve]


async def unavailable_reason(uow: UnitOfWork, embedders: Embedders) -> str | None:
    """Why the active model cannot be run here, if it cannot."""
    active = await uow.first(_model(ACTIVE_MODEL_ID))
    try:
        if active is not None:
            embedder_of(embedders, active)
    except UnknownEmbedder as error:
        return str(error)
    return None


def embedder_of(embedders: Embedders, model: Row[Any]) -> Embedder:
    """Who runs a model. Raises `UnknownEmbedder`."""
    return embedders.of(model.provider, model.name, model.dimension, model.max_tokens)


def _company_model_id(company_id: UUID) -> Any:
    own = select(Company.embedding_model_id).where(Company.id == company_id).scalar_subquery()
    return func.coalesce(own, DEFAULT_MODEL_ID)


def _model(id: Any) -> Select[Any]:
    return select(EmbeddingModel).where(EmbeddingModel.id == id)


def _searchable() -> tuple[Any, ...]:
    return (Document.processing_status == ProcessingStatus.COMPLETED,)


def _is_enqueued(active: Row[Any]) -> Select[Any]:
    """Whether the job of this activation exists in the company, however it stands."""
    job = select(ProcessingJob.id).where(
        ProcessingJob.job_type == ProcessingJobType.RE_EMBEDDING,
        ProcessingJob.arguments["model_id"].astext == str(active.id),
    )
    if active.activated_at is not None:
        job = job.where(ProcessingJob.created_at >= active.activated_at)
    return select(job.exists())
