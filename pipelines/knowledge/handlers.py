"""From an uploaded file to a document that can be searched."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from core.errors import Conflict
from core.ports import ModelFailure, VectorChunk, VectorsUnavailable
from db.models import Document, Upload
from db.queue import Finish
from db.uow import UnitOfWork
from pipelines.knowledge.chunking import Chunk, chunks
from pipelines.knowledge.extraction import Extracted, Page, read
from pipelines.knowledge.metadata import Metadata, describe
from pipelines.registry import Retry, Run, handles
from resolvers.knowledge import processing
from resolvers.knowledge.processing import ProcessDocument
from resolvers.knowledge.vectors import ForgetCompany, ForgetDocument, RescopeDocument

READ, CUT, EMBEDDED = 0.3, 0.35, 0.95
"""How much is done once the text is read, is cut, and is embedded."""
CUTTING_SECONDS = 300.0
BATCH = 32
"""Chunks that are embedded before progress is reported."""


@handles(ProcessDocument)
async def process_document(job: ProcessDocument, run: Run) -> Finish | None:
    """Read, cut, describe and embed. Safe to repeat: chunks keep their place and their id."""
    async with run.write() as uow:
        document = await processing.begin(uow, job.document_id)
        if document is None:
            return None
        upload = await uow.first(select(Upload).where(Upload.id == document.upload_id))
    if upload is None:
        raise Conflict("The file of this document is gone.")
    extracted = await text_of(run, document, upload)
    await run.report(READ)
    cut, about = await run.cpu_within(CUTTING_SECONDS, cut_and_describe, extracted.pages)
    await run.report(CUT)
    async with run.write() as uow:
        ids = await processing.keep_chunks(uow, document.id, rows(cut, run.embedder.model))
    tokens = await make_searchable(run, document, cut, ids)
    values = {
        "mime_type": extracted.mime_type,
        "extracted_text": extracted.text,
        "content_category": about.category,
        "summary": about.summary or None,
        "keywords": list(about.keywords),
        "topics": list(about.topics),
        "embedding_model": run.embedder.model,
        "chunk_count": len(cut),
    }
    usage = {
        "operation_type": "embedding",
        "prompt_tokens": tokens,
        "total_tokens": tokens,
        "model_name": run.embedder.model,
    }

    async def finish(uow: UnitOfWork) -> None:
        await processing.complete(uow, document, values, usage)

    return finish


async def text_of(run: Run, document: Row[Any], upload: Row[Any]) -> Extracted:
    """The file's pages. Raises what is wrong with it, in a sentence for a person."""

    async def report(share: float) -> None:
        await run.report(share * READ)

    with TemporaryDirectory(prefix="seshat-") as name:
        path = await run.store.fetch(upload.storage_key, Path(name) / "document")
        return await read(run.cpu_within, path, upload.mime_type, document.original_filename, report=report)


def cut_and_describe(pages: Sequence[Page]) -> tuple[list[Chunk], Metadata]:
    """The pieces of the pages, and what they are about; runs in a child process."""
    return chunks(pages), describe(pages)


def rows(cut: Sequence[Chunk], model: str) -> list[dict[str, Any]]:
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
        for chunk in cut
    ]


async def make_searchable(run: Run, document: Row[Any], cut: Sequence[Chunk], ids: Sequence[UUID]) -> int:
    """Embed the chunks and store their vectors, and no others of the document. Answers the tokens read."""
    store = run.vectors.of(run.embedder.model, run.embedder.dimension)
    tokens = 0
    try:
        for start in range(0, len(cut), BATCH):
            batch = cut[start : start + BATCH]
            embedded = await run.embedder.embed_windows([chunk.text for chunk in batch])
            tokens += embedded.tokens
            points = [
                VectorChunk(
                    id=id,
                    document_id=document.id,
                    user_id=document.uploaded_by_id,
                    scope=document.scope.value,
                    text=chunk.text,
                    vectors=vectors,
                )
                for id, chunk, vectors in zip(ids[start : start + BATCH], batch, embedded, strict=True)
            ]
            await store.upsert(run.company_id, points)
            await run.report(CUT + (EMBEDDED - CUT) * min(1.0, (start + BATCH) / len(cut)))
        await store.delete(run.company_id, document.id, keep=ids)
    except VectorsUnavailable as error:
        raise Retry("The vector store does not answer.") from error
    except ModelFailure as failure:
        if failure.passing:
            raise Retry(failure.message, after=failure.after) from failure
        raise Conflict(failure.message) from failure
    return tokens


@handles(ForgetDocument)
async def forget_document(job: ForgetDocument, run: Run) -> None:
    """Remove its vectors from every store. Safe to repeat."""
    try:
        await run.vectors.forget(run.company_id, job.document_id)
    except VectorsUnavailable as error:
        raise Retry("The vector store does not answer.") from error


@handles(ForgetCompany)
async def forget_company(job: ForgetCompany, run: Run) -> None:
    """Remove all its vectors from every store. Safe to repeat."""
    try:
        await run.vectors.forget(job.gone_id)
    except VectorsUnavailable as error:
        raise Retry("The vector store does not answer.") from error


@handles(RescopeDocument)
async def rescope_document(job: RescopeDocument, run: Run) -> None:
    """Write the scope that the document has now on its vectors. Safe to repeat."""
    async with run.read() as uow:
        document = await uow.first(select(Document).where(Document.id == job.document_id))
    if document is None:
        return
    store = run.vectors.of(run.embedder.model, run.embedder.dimension)
    try:
        await store.rescope(run.company_id, document.id, document.scope.value)
    except VectorsUnavailable as error:
        raise Retry("The vector store does not answer.") from error
