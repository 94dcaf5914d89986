"""From an uploaded file to a document that can be searched."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from core.errors import Conflict
from core.ports import Embedder, UnknownEmbedder, VectorsUnavailable
from db.models import Document, Upload
from db.queue import Finish
from db.uow import UnitOfWork
from pipelines.knowledge.chunking import Chunk, chunks
from pipelines.knowledge.extraction import Extracted, Page, read
from pipelines.knowledge.indexing import make_searchable, outcome
from pipelines.knowledge.metadata import Metadata, describe
from pipelines.runtime.handlers import Retry, Run, handles
from pipelines.runtime.workdirs import working_folder
from resolvers import token_usage
from resolvers.knowledge import model_rollout as models
from resolvers.knowledge import processing
from resolvers.knowledge.processing import ProcessDocument
from resolvers.knowledge.vector_sync import ForgetCompany, ForgetDocument, RescopeDocument

READ, CUT, EMBEDDED = 0.3, 0.35, 0.95
"""How much is done once the text is read, is cut, and is embedded."""
CUTTING_SECONDS = 300.0


@handles(ProcessDocument)
async def process_document(job: ProcessDocument, run: Run) -> Finish | None:
    """Read, cut, describe and embed. Safe to repeat: chunks keep their place and their id."""
    begun = await begin(job, run)
    if begun is None:
        return None
    document, upload, embedders = begun
    extracted = await text_of(run, document, upload)
    await run.report(READ)
    tokens, overlap = run.services.settings.chunk_tokens, run.services.settings.chunk_overlap
    cut, about = await run.cpu_within(CUTTING_SECONDS, cut_and_describe, extracted.pages, tokens, overlap)
    await run.report(CUT)
    serving = embedders[0]
    async with run.write() as uow:
        ids = await processing.keep_chunks(uow, document.id, rows(cut, serving.model))
    usage = await embed(run, embedders, document, cut, ids)
    values = {
        "mime_type": extracted.mime_type,
        "extracted_text": extracted.text,
        "content_category": about.category,
        "summary": about.summary or None,
        "keywords": list(about.keywords),
        "topics": list(about.topics),
        "embedding_model": serving.model,
        "chunk_count": len(cut),
    }

    async def finish(uow: UnitOfWork) -> None:
        if not await models.still(uow, run.services.embedders, serving):
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
            embedders = await models.writing(uow, run.services.embedders)
    except UnknownEmbedder as error:
        raise outcome(error) from error
    if upload is None:
        raise Conflict("The file of this document is gone.")
    return document, upload, embedders


async def embed(
    run: Run, embedders: Sequence[Embedder], document: Row[Any], cut: Sequence[Chunk], ids: Sequence[UUID]
) -> list[dict[str, Any]]:
    """Make the chunks searchable by each model. Answers what each has used."""
    usage = []
    for done, embedder in enumerate(embedders):

        async def report(share: float, done: int = done) -> None:
            await run.report(CUT + (EMBEDDED - CUT) * (done + share) / len(embedders))

        tokens = await make_searchable(run, embedder, document, [each.text for each in cut], ids, report)
        usage.append(token_usage.embedded(run.services.prices, embedder, tokens))
    return usage


async def text_of(run: Run, document: Row[Any], upload: Row[Any]) -> Extracted:
    """The file's pages. Raises what is wrong with it, in a sentence for a person."""

    async def report(share: float) -> None:
        await run.report(share * READ)

    with working_folder() as name:
        path = await run.services.store.fetch(upload.storage_key, Path(name) / "document")
        return await read(run.cpu_within, path, upload.mime_type, document.original_filename, report=report)


def cut_and_describe(pages: Sequence[Page], tokens: int, overlap: int) -> tuple[list[Chunk], Metadata]:
    """The pieces of the pages, and what they are about; runs in a child process."""
    return chunks(pages, tokens=tokens, overlap=overlap), describe(pages)


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


@handles(ForgetDocument)
async def forget_document(job: ForgetDocument, run: Run) -> None:
    """Remove its vectors from every store. Safe to repeat."""
    try:
        await run.services.vectors.delete(run.company_id, job.document_id)
    except VectorsUnavailable as error:
        raise Retry("The vector store does not answer.") from error


@handles(ForgetCompany)
async def forget_company(job: ForgetCompany, run: Run) -> None:
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
