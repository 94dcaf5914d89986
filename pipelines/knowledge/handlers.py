"""Document jobs: extract, chunk, describe and index a document; delete and rescope its vectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.errors import Conflict
from core.ports import Embedder
from core.working_folders import working_folder
from db.models import Document, Upload
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.knowledge.chunking import Chunk
from pipelines.knowledge.extraction import ExtractedText, extract_pages
from pipelines.knowledge.indexing import index_document
from pipelines.knowledge.text_analysis import chunk_and_describe
from pipelines.runtime.faults import Retry
from pipelines.runtime.handlers import Run, handles
from resolvers import token_usage
from resolvers.knowledge import model_rollout, processing
from resolvers.knowledge.processing import ProcessDocument
from resolvers.knowledge.vector_sync import (
    ForgetCompany,
    ForgetDocument,
    ForgetStaleVectors,
    RescopeDocument,
)

READ_PROGRESS, CHUNKED_PROGRESS, EMBEDDED_PROGRESS = 0.3, 0.35, 0.95
"""Progress after each stage."""
CHUNKING_TIMEOUT_SECONDS = 300.0


@handles(ProcessDocument)
async def process_document(job: ProcessDocument, run: Run) -> CompletionHook | None:
    """Extract, chunk, describe and index a document. Safe to repeat.

    The chunks that the document has are searched until the job ends: then all of them are replaced at once.
    Vectors without a chunk are never found, and deleted by a job of their own.
    """
    started = await begin(job, run)
    if started is None:
        return None
    document, upload, embedders = started
    extracted = await extract_text(run, document, upload)
    await run.report(READ_PROGRESS)
    tokens, overlap = run.services.settings.chunk_tokens, run.services.settings.chunk_overlap
    chunks, metadata = await run.cpu_within(
        CHUNKING_TIMEOUT_SECONDS, chunk_and_describe, extracted.pages, tokens, overlap
    )
    await run.report(CHUNKED_PROGRESS)
    serving = embedders[0]
    async with run.read() as uow:
        ids = await processing.chunk_ids(uow, document.id, [chunk.text for chunk in chunks])
    usage = await embed_chunks(run, embedders, document, chunks, ids)
    values = {
        "mime_type": extracted.mime_type,
        "extracted_text": extracted.text,
        "content_category": metadata.category,
        "summary": metadata.summary or None,
        "keywords": list(metadata.keywords),
        "topics": list(metadata.topics),
        "warnings": list(extracted.warnings),
        "embedding_model": serving.model,
        "chunk_count": len(chunks),
    }

    async def finish(uow: UnitOfWork) -> None:
        if not await model_rollout.is_current(uow, run.services.embedders, serving):
            raise Retry("The embedding model changed while the document was processed.")
        await processing.replace_chunks(uow, document.id, ids, chunk_rows(chunks, serving.model))
        is_first = run.epoch == 1 and document.processed_at is None
        await processing.complete(uow, document, values, usage, is_first=is_first)

    return finish


async def begin(job: ProcessDocument, run: Run) -> tuple[Document, Upload, list[Embedder]] | None:
    """The document, its file and the embedders to index it with; None if it was deleted."""
    async with run.write() as uow:
        document = await processing.begin(uow, job.document_id)
        if document is None:
            return None
        upload = await uow.first(select(Upload).where(Upload.id == document.upload_id))
        embedders = await model_rollout.indexing_embedders(uow, run.services.embedders)
    if upload is None:
        raise Conflict("The file of this document no longer exists.")
    return document, upload, embedders


async def embed_chunks(
    run: Run, embedders: Sequence[Embedder], document: Document, chunks: Sequence[Chunk], ids: Sequence[UUID]
) -> list[dict[str, Any]]:
    """Index the chunks with each embedder. Returns the usage columns of each."""
    usage = []
    for done, embedder in enumerate(embedders):

        async def report(share: float, done: int = done) -> None:
            await run.report(
                CHUNKED_PROGRESS + (EMBEDDED_PROGRESS - CHUNKED_PROGRESS) * (done + share) / len(embedders)
            )

        tokens = await index_document(run, embedder, document, [chunk.text for chunk in chunks], ids, report)
        usage.append(token_usage.embedding_usage_columns(run.services.prices, embedder, tokens))
    return usage


async def extract_text(run: Run, document: Document, upload: Upload) -> ExtractedText:
    """The text of the file. Raises `DomainError` if it cannot be read."""

    async def report(share: float) -> None:
        await run.report(share * READ_PROGRESS)

    with working_folder() as name:
        path = await run.services.store.fetch(upload.storage_key, Path(name) / "document")
        return await extract_pages(
            run.cpu_within, path, upload.mime_type, document.original_filename, report=report
        )


def chunk_rows(chunks: Sequence[Chunk], model: str) -> list[dict[str, Any]]:
    """The columns of the chunks."""
    return [
        {
            "chunk_index": chunk.index,
            "content": chunk.text,
            "token_count": chunk.token_count,
            "page_number": chunk.page,
            "embedding_model": model,
            "chunk_metadata": {"start": chunk.start, "end": chunk.end, "heading": chunk.heading},
        }
        for chunk in chunks
    ]


@handles(ForgetDocument)
async def delete_document_vectors(job: ForgetDocument, run: Run) -> None:
    """Delete a document's vectors from every store. Safe to repeat."""
    await run.services.vectors.delete(run.company_id, job.document_id)


@handles(ForgetStaleVectors)
async def delete_stale_vectors(job: ForgetStaleVectors, run: Run) -> None:
    """Delete the vectors without a chunk. The document is not processed meanwhile."""
    async with run.write() as uow:
        ids = await processing.lock_chunks(uow, job.document_id)
        if ids is not None:
            await run.services.vectors.delete(run.company_id, job.document_id, keep=ids)


@handles(ForgetCompany)
async def delete_company_vectors(job: ForgetCompany, run: Run) -> None:
    """Delete a company's vectors from every store. Safe to repeat."""
    await run.services.vectors.delete(job.gone_id)


@handles(RescopeDocument)
async def rescope_document(job: RescopeDocument, run: Run) -> None:
    """Set the scope of a document's vectors to its current scope. Safe to repeat."""
    async with run.read() as uow:
        document = await uow.first(select(Document).where(Document.id == job.document_id))
    if document is None:
        return
    await run.services.vectors.update_scope(run.company_id, document.id, document.scope.value)
