"""Crawl results: candidate URLs of sources, the images downloaded from them, and errors."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert

from core.images import DecodedImage
from core.ports import ImageCandidate
from db.arrays import any_id, any_text
from db.events import publish
from db.ids import new_id
from db.models import CandidateState, CrawlCandidate, CrawlChunk, CrawlJob, Image, LabelSource
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer
from resolvers.imagery import image_labels, images
from resolvers.imagery.crawl_chunks import GatherChunk, lock_crawl
from resolvers.imagery.crawl_sources import CrawlTask
from resolvers.object_removal import images_prefix, thumbnails_prefix

MAX_URL_LENGTH, MAX_TEXT_LENGTH = 4096, 2000
INSERT_BATCH_SIZE = 200
UNREADABLE = "UNREADABLE"
"""Error code of pages and lists that could not be read."""


@dataclass(frozen=True)
class Candidate:
    """A candidate URL with the metadata of its source."""

    id: UUID
    url: str
    url_key: UUID
    page_url: str | None
    licence: str | None
    attribution: str | None
    caption: str | None


@dataclass(frozen=True)
class CandidateResult:
    """The result of a candidate: a stored image, or the error."""

    candidate: Candidate
    image: DecodedImage | None = None
    etag: str | None = None
    last_modified: str | None = None
    code: str = ""
    message: str = ""


def url_key(url: str) -> UUID:
    """Deterministic key of a URL without its fragment."""
    return uuid5(NAMESPACE_URL, urlunsplit(urlsplit(url)._replace(fragment="")))


def object_key(company_id: UUID, image: DecodedImage) -> str:
    """Storage key of an image file: content-addressed per company."""
    return f"{images_prefix(company_id)}{image.hash[:2]}/{image.hash}.{image.format}"


def thumbnail_key(company_id: UUID, hash: str) -> str:
    """Storage key of the thumbnail of an image with this hash."""
    return f"{thumbnails_prefix(company_id)}{hash[:2]}/{hash}.webp"


async def add_candidates(
    uow: UnitOfWork,
    job: GatherChunk,
    candidates: Sequence[ImageCandidate],
    unreadable: Sequence[tuple[str, str]],
) -> int:
    """Store new candidates and unreadable URLs; returns the number of new candidates."""
    rows = [row for candidate in candidates if (row := _candidate_values(job, candidate)) is not None]
    refused = [
        {**row, "state": CandidateState.REFUSED, "code": UNREADABLE, "message": sanitize_text(reason)}
        for url, reason in unreadable
        if (row := _candidate_values(job, ImageCandidate(url))) is not None
    ]
    await lock_crawl(uow, job.crawl_job_id)
    new = await _insert_candidates(uow, rows)
    await _insert_candidates(uow, refused)
    counters = {"total_images": CrawlJob.total_images + new, "version": CrawlJob.version + 1}
    await uow.execute(update(CrawlJob).where(CrawlJob.id == job.crawl_job_id).values(counters))
    await publish(uow, f"job:{job.crawl_job_id}")
    return new


async def pending_candidates(
    uow: UnitOfWork, chunk_id: UUID, after: UUID | None, limit: int
) -> list[Candidate]:
    """The next pending candidates of a chunk."""
    columns = [getattr(CrawlCandidate, name) for name in Candidate.__dataclass_fields__]
    pending = CrawlCandidate.chunk_id == chunk_id, CrawlCandidate.state == CandidateState.FOUND
    rest = [] if after is None else [CrawlCandidate.id > after]
    statement = select(*columns).where(*pending, *rest).order_by(CrawlCandidate.id).limit(limit)
    return [Candidate(**row._mapping) for row in await uow.all(statement)]


async def reassign_candidates(uow: UnitOfWork, chunk_id: UUID, to: UUID) -> None:
    """Move a chunk's pending candidates to another chunk."""
    pending = CrawlCandidate.chunk_id == chunk_id, CrawlCandidate.state == CandidateState.FOUND
    await uow.execute(update(CrawlCandidate).where(*pending).values(chunk_id=to))


async def has_pending_candidates(uow: UnitOfWork, chunk_id: UUID) -> bool:
    """Whether the chunk has pending candidates."""
    return bool(await pending_candidates(uow, chunk_id, None, 1))


async def count_stored(uow: UnitOfWork, chunk_id: UUID) -> int:
    """Number of images stored by a chunk."""
    stored = CrawlCandidate.chunk_id == chunk_id, CrawlCandidate.state == CandidateState.STORED
    return await uow.scalar(select(func.count()).select_from(CrawlCandidate).where(*stored)) or 0


async def images_with_validators(uow: UnitOfWork, keys: Sequence[UUID]) -> dict[UUID, Image]:
    """The company's latest image per URL that has an HTTP validator (ETag or Last-Modified)."""
    tagged = func.coalesce(Image.etag, Image.last_modified).is_not(None), Image.storage_url.is_not(None)
    latest = select(Image).ext(distinct_on(Image.url_key)).where(Image.url_key == any_id(keys), *tagged)
    rows = await uow.all(latest.order_by(Image.url_key, Image.id.desc()))
    return {row.url_key: row for row in rows if row.url_key is not None}


async def save_results(
    uow: UnitOfWork, job: GatherChunk, results: Sequence[CandidateResult]
) -> tuple[int, bool]:
    """Create images from results, without duplicates and up to the crawl's maximum. Idempotent.

    Returns the number of new images, and whether the crawl is full.
    """
    crawl = await lock_crawl(uow, job.crawl_job_id)
    assert crawl is not None  # the chunk's row, which refers to it, is locked
    await images.lock_image_files(uow)
    hashes = [result.image.hash for result in results if result.image is not None]
    existing = select(Image.hash).where(Image.crawl_job_id == crawl.id, Image.hash == any_text(hashes))
    seen = {row.hash for row in await uow.all(existing)} if hashes else set()
    states: dict[UUID, CandidateState] = {}
    new_images: list[dict[str, Any]] = []
    for result in results:
        if result.image is None:
            states[result.candidate.id] = CandidateState.REFUSED
        elif result.image.hash in seen:
            states[result.candidate.id] = CandidateState.DUPLICATE
        elif crawl.downloaded_images + len(new_images) >= crawl.max_images:
            states[result.candidate.id] = CandidateState.LEFT
        else:
            seen.add(result.image.hash)
            states[result.candidate.id] = CandidateState.STORED
            number = crawl.sequence + len(new_images) + 1
            new_images.append(_image_values(uow.company_id, crawl, result, result.image, number))
    if new_images:
        await _insert_images(uow, job, new_images)
    await _update_candidates(uow, results, states)
    downloaded = crawl.downloaded_images + len(new_images)
    values = {
        "downloaded_images": downloaded,
        "sequence": crawl.sequence + len(new_images),
        "progress": min(99, 100 * downloaded // crawl.max_images),
        "version": crawl.version + 1,
    }
    await uow.execute(update(CrawlJob).where(CrawlJob.id == crawl.id).values(values))
    await publish(uow, f"job:{crawl.id}", *([f"images:{crawl.id}"] if new_images else []))
    return len(new_images), downloaded >= crawl.max_images


async def crawl_problems(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Errors per crawl: `code`, a `message`, the `count` and one `url`."""
    problems: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    reasons = select(
        CrawlCandidate.crawl_job_id,
        CrawlCandidate.code,
        func.min(CrawlCandidate.message).label("message"),
        func.count().label("count"),
        func.min(CrawlCandidate.url).label("url"),
    ).where(CrawlCandidate.crawl_job_id == any_id(ids), CrawlCandidate.state == CandidateState.REFUSED)
    grouped = reasons.group_by(CrawlCandidate.crawl_job_id, CrawlCandidate.code)
    for row in await uow.all(grouped.order_by(func.count().desc(), CrawlCandidate.code)):
        values = dict(row._mapping)
        problems[values.pop("crawl_job_id")].append(values)
    return problems


async def images_after(
    uow: UnitOfWork, viewer: Viewer, columns: Sequence[str], crawl_job_id: UUID, after: int, limit: int
) -> Sequence[Row[Any]]:
    """The crawl's visible images after sequence number `after`, in order."""
    selected = [getattr(Image, name).label(name) for name in columns]
    visible = access.visible(viewer, Image, *selected)
    later = visible.where(Image.crawl_job_id == crawl_job_id, Image.sequence > after)
    return await uow.all(later.order_by(Image.sequence, Image.id).limit(limit))


def sanitize_text(text: str | None, limit: int = MAX_TEXT_LENGTH) -> str | None:
    """External text without NUL and lone surrogates, truncated to `limit` characters."""
    if text is None:
        return None
    readable = text.replace("\0", "").encode(errors="ignore").decode()
    return " ".join(readable.split())[:limit] or None


def download_filename(url: str, format: str) -> str:
    """The file name for downloads: that of the URL, with the extension of the actual format."""
    stem = PurePosixPath(unquote(urlsplit(url).path, errors="ignore")).stem
    readable = sanitize_text("".join(c for c in stem if c.isprintable() and c not in '\\/:*?"<>|'), 200)
    return f"{readable or 'image'}.{format}"


def _candidate_values(job: GatherChunk, candidate: ImageCandidate) -> dict[str, Any] | None:
    """The columns of a candidate, or None for a URL that cannot be stored."""
    url = sanitize_text(candidate.url, MAX_URL_LENGTH + 1)
    if url is None or len(url) > MAX_URL_LENGTH or url != candidate.url:
        return None
    return {
        "crawl_job_id": job.crawl_job_id,
        "chunk_id": job.chunk_id,
        "url": url,
        "url_key": url_key(url),
        "page_url": sanitize_text(candidate.page_url, MAX_URL_LENGTH),
        "licence": sanitize_text(candidate.licence),
        "attribution": sanitize_text(candidate.attribution),
        "caption": sanitize_text(candidate.caption),
    }


async def _insert_candidates(uow: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert candidates that the crawl does not have; returns their number."""
    new = 0
    for start in range(0, len(rows), INSERT_BATCH_SIZE):
        batch = upsert(CrawlCandidate).values(list(rows[start : start + INSERT_BATCH_SIZE]))
        unique = batch.on_conflict_do_nothing(index_elements=["company_id", "crawl_job_id", "url_key"])
        new += len(await uow.all(unique.returning(CrawlCandidate.id)))
    return new


async def _insert_images(uow: UnitOfWork, job: GatherChunk, rows: Sequence[dict[str, Any]]) -> None:
    """Insert images with the source and the keyword of their chunk; the keyword is their first label."""
    wanted = await uow.scalar(select(CrawlChunk.wanted).where(CrawlChunk.id == job.chunk_id))
    task = CrawlTask.from_json(wanted)
    keyword = task.query.keyword or None
    await uow.execute(insert(Image), [{**row, "keyword": keyword, "source": task.kind.value} for row in rows])
    if keyword is not None:
        name = keyword[: image_labels.MAX_LABEL_LENGTH]
        labels = [(row["id"], job.crawl_job_id, name) for row in rows]
        await image_labels.add(uow, labels, LabelSource.KEYWORD)


def _image_values(
    company_id: UUID, crawl: CrawlJob, result: CandidateResult, image: DecodedImage, number: int
) -> dict[str, Any]:
    candidate = result.candidate
    return {
        "id": new_id(),
        "crawl_job_id": crawl.id,
        "original_url": candidate.url,
        "url_key": candidate.url_key,
        "filename": download_filename(candidate.url, image.format),
        "storage_url": object_key(company_id, image),
        "thumbnail_key": thumbnail_key(company_id, image.hash),
        "width": image.width,
        "height": image.height,
        "file_size": image.size,
        "format": image.format,
        "hash": image.hash,
        "perceptual_hash": image.perceptual_hash,
        "page_url": candidate.page_url,
        "licence": candidate.licence,
        "attribution": candidate.attribution,
        "caption": candidate.caption,
        "etag": sanitize_text(result.etag),
        "last_modified": sanitize_text(result.last_modified),
        "sequence": number,
    }


async def _update_candidates(
    uow: UnitOfWork, results: Sequence[CandidateResult], states: Mapping[UUID, CandidateState]
) -> None:
    """Store the states and errors of candidates."""
    for state in set(states.values()) - {CandidateState.REFUSED}:
        ids = [id for id, result_state in states.items() if result_state is state]
        await uow.execute(update(CrawlCandidate).where(CrawlCandidate.id == any_id(ids)).values(state=state))
    for result in results:
        if states[result.candidate.id] is CandidateState.REFUSED:
            reason = {"code": result.code, "message": sanitize_text(result.message)}
            refused = update(CrawlCandidate).where(CrawlCandidate.id == result.candidate.id)
            await uow.execute(refused.values(state=CandidateState.REFUSED, **reason))
