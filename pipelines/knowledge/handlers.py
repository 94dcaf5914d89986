"""From an uploaded file to a document that can be searched."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from core.errors import Conflict
from core.ports import Embedder, UnknownEmbedder, VectorsUnavailable
from db.models import Document, Upload
from db.queue import CompletionHook
from db.uow import UnitOfWork
from pipelines.knowledge.chunking import Chunk, split_pages
from pipelines.knowledge.extraction import ExtractedText, Page, extract_pages
from pipelines.knowledge.indexing import index_document, outcome
from pipelines.knowledge.metadata import Metadata, extract_metadata
from pipelines.runtime.handlers import Retry, Run, handles
from pipelines.runtime.workdirs import working_folder
from resolvers import token_usage
from resolvers.knowledge import model_rollout as models
from resolvers.knowledge import processing
from resolvers.knowledge.processing import ProcessDocument
from resolvers.knowledge.vector_sync import ForgetCompany, ForgetDocument, RescopeDocument

READ_PROGRESS, CHUNKED_PROGRESS, EMBEDDED_PROGRESS = 0.3, 0.35, 0.95
"""How much is done once the text is read, is cut, and is embedded."""
CHUNKING_TIMEOUT_SECONDS = 300.0


@handles(ProcessDocument)
async def process_document(job: ProcessDocument, run: Run) -> CompletionHook | None:
    """Read, cut, describe and embed. Safe to repeat: chunks keep their place and their id."""
    started = await begin(job, run)
    if started is None:
        return None
    document, upload, embedders = started
    extracted = await extract_text(run, document, upload)
    await run.report(READ_PROGRESS)
    tokens, overlap = run.services.settings.chunk_tokens, run.services.settings.chunk_overlap
    chunks, metadata = await run.cpu_within(CHUNKING_TIMEOUT_SECONDS, chunk_and_describe, extracted.pages, tokens, overlap)
    await run.report(CHUNKED_PROGRESS)
    serving = embedders[0]
    async with run.write() as uow:
        ids = await processing.replace_chunks(uow, document.id, chunk_rows(chunks, serving.model))
    usage = await embed_chunks(run, embedders, document, chunks, ids)
    values = {
        "mime_type": extracted.mime_type,
        "extracted_text": extracted.text,
        "content_category": metadata.category,
        "summary": metadata.summary or None,
        "keywords": list(metadata.keywords),
        "topics": list(metadata.topics),
        "embedding_model": serving.model,
        "chunk_count": len(chunks),
    }

    async def finish(uow: UnitOfWork) -> None:
        if not await models.is_current(uow, run.services.embedders, serving):
            raise Retry("Another embedding model has taken over meanwhile.")
        await processing.complete(uow, document, values, usage)

    return finish


async def begin(job: ProcessDocument, run: Run) -> tuple[Row[Any], Row[Any], list[Embedder]] | None:
    """The document, its file, and who embeds it; none where it is gone."""
    try:
        async with run.write() as uow:
            document = await processing.begin(uow, job.document_id)
            if document is None:
                return None
            upload = await uow.first(select(Upload).where(Upload.id == document.upload_id))
            embedders = await models.indexing_embedders(uow, run.services.embedders)
    except UnknownEmbedder as error:
        raise outcome(error) from error
    if upload is None:
        raise Conflict("The file of this document is gone.")
    return document, upload, embedders


async def embed_chunks(
    run: Run, embedders: Sequence[Embedder], document: Row[Any], chunks: Sequence[Chunk], ids: Sequence[UUID]
) -> list[dict[str, Any]]:
    """Make the chunks searchable by each model. Answers what each has used."""
    usage = []
    for done, embedder in enumerate(embedders):

        async def report(share: float, done: int = done) -> None:
            await run.report(CHUNKED_PROGRESS + (EMBEDDED_PROGRESS - CHUNKED_PROGRESS) * (done + share) / len(embedders))

        tokens = await index_document(run, embedder, document, [each.text for each in chunks], ids, report)
        usage.append(token_usage.embedding_usage_columns(run.services.prices, embedder, tokens))
    return usage


async def extract_text(run: Run, document: Row[Any], upload: Row[Any]) -> ExtractedText:
    """The file's pages. Raises what is wrong with it, in a sentence for a person."""

    async def report(share: float) -> None:
        await run.report(share * READ_PROGRESS)

    with working_folder() as name:
        path = await run.services.store.fetch(upload.storage_key, Path(name) / "document")
        return await extract_pages(run.cpu_within, path, upload.mime_type, document.original_filename, report=report)


def chunk_and_describe(pages: Sequence[Page], tokens: int, overlap: int) -> tuple[list[Chunk], Metadata]:
    """The pieces of the pages, and what they are about; runs in a child process."""
    return split_pages(pages, tokens=tokens, overlap=overlap), extract_metadata(pages)


def chunk_rows(chunks: Sequence[Chunk], model: str) -> list[dict[str, Any]]:
    """The chunks' columns."""
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
    """Remove its vectors from every store. Safe to repeat."""
    try:
        await run.services.vectors.delete(run.company_id, job.document_id)
    except VectorsUnavailable as error:
        raise Retry("The vector store does not answer.") from error


@handles(ForgetCompany)
async def delete_company_vectors(job: ForgetCompany, run: Run) -> None:
    """Remove all its vectors from every store. Safe to repeat."""
    try:
        await run.services.vectors.delete(job.gone_id)
    except VectorsUnavailable as error:
        raise Retry("The vector store does not answer.") from error


@handles(RescopeDocument)
async def rescope_document(job: RescopeDocument, run: Run) -> None:
    """Write the scope that the document has now on its vectors. Safe to repeat."""
    async with run.read() as uow:
        document = await uow.first(select(Document).where(Document.id == job.document_id))
    if document is None:
        return
    try:
        await run.services.vectors.update_scope(run.company_id, document.id, document.scope.value)
    except VectorsUnavailable as error:
        raise Retry("The vector store does not answer.") from error
