"""Crawl results: the images downloaded from candidates, and errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import UUID

from sqlalchemy import Row, func, insert, select, type_coerce, update
from sqlalchemy.dialects.postgresql import distinct_on

from core.images import DecodedImage
from db.arrays import INSTANTS, INTEGERS, TEXTS, UUIDS, any_id, any_text, unnest_table
from db.events import publish
from db.ids import new_id
from db.models import CandidateState, CrawlCandidate, CrawlChunk, CrawlJob, Image, LabelSource
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer
from resolvers.imagery import image_labels, images
from resolvers.imagery.crawl_candidates import MAX_IMAGES, MAX_IMAGES_MESSAGE, Candidate, sanitize_text
from resolvers.imagery.crawl_chunks import GatherChunk, lock_crawl
from resolvers.imagery.crawl_sources import CrawlTask
from resolvers.object_removal import images_prefix, thumbnails_prefix


@dataclass(frozen=True)
class CandidateResult:
    """The result of a candidate: a stored image, or the error, and when it is requested again.

    `attempts` are the requests that were sent for it.
    """

    candidate: Candidate
    image: DecodedImage | None = None
    etag: str | None = None
    last_modified: str | None = None
    code: str = ""
    message: str = ""
    retry_at: datetime | None = None
    retry_until: datetime | None = None
    attempts: int = 1


class Outcome(NamedTuple):
    """State of a candidate, and the image that it has or equals."""

    state: CandidateState
    image_id: UUID | None = None
    code: str | None = None
    message: str | None = None


def object_key(company_id: UUID, image: DecodedImage) -> str:
    """Storage key of an image file: content-addressed per company."""
    return f"{images_prefix(company_id)}{image.hash[:2]}/{image.hash}.{image.format}"


def thumbnail_key(company_id: UUID, hash: str) -> str:
    """Storage key of the thumbnail of an image with this hash."""
    return f"{thumbnails_prefix(company_id)}{hash[:2]}/{hash}.webp"


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
    existing = select(Image.id, Image.hash).where(
        Image.crawl_job_id == crawl.id, Image.hash == any_text(hashes)
    )
    seen = {str(row.hash): row.id for row in await uow.all(existing)} if hashes else {}
    outcomes: list[Outcome] = []
    new_images: list[dict[str, Any]] = []
    for result in results:
        if result.image is None:
            state = CandidateState.REFUSED if result.retry_at is None else CandidateState.WAITING
            outcomes.append(Outcome(state, None, result.code, sanitize_text(result.message)))
        elif result.image.hash in seen:
            outcomes.append(Outcome(CandidateState.DUPLICATE, seen[result.image.hash]))
        elif crawl.downloaded_images + len(new_images) >= crawl.max_images:
            outcomes.append(Outcome(CandidateState.BOUNDED, None, MAX_IMAGES, MAX_IMAGES_MESSAGE))
        else:
            number = crawl.sequence + len(new_images) + 1
            values = _image_values(uow.company_id, crawl, result, result.image, number)
            seen[result.image.hash] = values["id"]
            outcomes.append(Outcome(CandidateState.STORED, values["id"]))
            new_images.append(values)
    if new_images:
        await _insert_images(uow, job, new_images)
    await _update_candidates(uow, results, outcomes)
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


async def images_after(
    uow: UnitOfWork, viewer: Viewer, columns: Sequence[str], crawl_job_id: UUID, after: int, limit: int
) -> Sequence[Row[Any]]:
    """The crawl's visible images after sequence number `after`, in order."""
    selected = [getattr(Image, name).label(name) for name in columns]
    visible = access.visible(viewer, Image, *selected)
    later = visible.where(Image.crawl_job_id == crawl_job_id, Image.sequence > after)
    return await uow.all(later.order_by(Image.sequence, Image.id).limit(limit))


def download_filename(url: str, format: str) -> str:
    """The file name for downloads: that of the URL, with the extension of the actual format."""
    stem = PurePosixPath(unquote(urlsplit(url).path, errors="ignore")).stem
    readable = sanitize_text("".join(c for c in stem if c.isprintable() and c not in '\\/:*?"<>|'), 200)
    return f"{readable or 'image'}.{format}"


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
    uow: UnitOfWork, results: Sequence[CandidateResult], outcomes: Sequence[Outcome]
) -> None:
    """Store the outcomes of candidates in one statement."""
    columns: dict[str, tuple[list[Any], Any]] = {
        "id": ([result.candidate.id for result in results], UUIDS),
        "state": ([outcome.state.value for outcome in outcomes], TEXTS),
        "image_id": ([outcome.image_id for outcome in outcomes], UUIDS),
        "code": ([outcome.code for outcome in outcomes], TEXTS),
        "message": ([outcome.message for outcome in outcomes], TEXTS),
        "retry_at": ([result.retry_at for result in results], INSTANTS),
        "retry_until": ([result.retry_until for result in results], INSTANTS),
        "attempts": ([result.attempts for result in results], INTEGERS),
    }
    new = unnest_table(columns, "result")
    values = {name: new.c[name] for name in columns if name not in ("id", "attempts", "state")}
    values["state"] = type_coerce(new.c.state, CrawlCandidate.state.type)
    values["attempts"] = CrawlCandidate.attempts + new.c.attempts
    await uow.execute(update(CrawlCandidate).where(CrawlCandidate.id == new.c.id).values(values))
