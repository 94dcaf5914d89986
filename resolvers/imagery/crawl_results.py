"""What crawls write down: the addresses that sources name, the images behind them, and why there are none."""

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
from db.models import CandidateState, CrawlCandidate, CrawlJob, Image
from db.uow import UnitOfWork
from resolvers import access
from resolvers.access import Viewer
from resolvers.imagery import images
from resolvers.imagery.crawl_chunks import GatherChunk, lock_crawl
from resolvers.object_removal import pictures_prefix, thumbnails_prefix

MAX_URL_LENGTH, MAX_TEXT_LENGTH = 4096, 2000
INSERT_BATCH_SIZE = 200
UNREADABLE = "UNREADABLE"
"""The code of what could not be read on the way to images."""


@dataclass(frozen=True)
class Candidate:
    """An address to look at, with what its source says."""

    id: UUID
    url: str
    url_key: UUID
    page_url: str | None
    licence: str | None
    attribution: str | None
    caption: str | None


@dataclass(frozen=True)
class CandidateResult:
    """What was found at an address: a stored picture, or why there is none."""

    candidate: Candidate
    image: DecodedImage | None = None
    etag: str | None = None
    last_modified: str | None = None
    code: str = ""
    message: str = ""


def url_key(url: str) -> UUID:
    """Stands for an address, whatever its fragment; equal for equal ones."""
    return uuid5(NAMESPACE_URL, urlunsplit(urlsplit(url)._replace(fragment="")))


def object_key(company_id: UUID, picture: DecodedImage) -> str:
    """Where a picture's file is kept: by its content, once for a company."""
    return f"{pictures_prefix(company_id)}{picture.hash[:2]}/{picture.hash}.{picture.format}"


def thumbnail_key(company_id: UUID, hash: str) -> str:
    """Where the thumbnail of the picture with this content is kept."""
    return f"{thumbnails_prefix(company_id)}{hash[:2]}/{hash}.webp"


async def add_candidates(
    uow: UnitOfWork, job: GatherChunk, found: Sequence[ImageCandidate], unread: Sequence[tuple[str, str]]
) -> int:
    """Keep the addresses that are new to the crawl, and what could not be read; how many are new."""
    rows = [row for each in found if (row := _candidate_values(job, each)) is not None]
    refused = [
        {**row, "state": CandidateState.REFUSED, "code": UNREADABLE, "message": sanitize_text(reason)}
        for url, reason in unread
        if (row := _candidate_values(job, ImageCandidate(url))) is not None
    ]
    await lock_crawl(uow, job.crawl_job_id)
    new = await _insert_candidates(uow, rows)
    await _insert_candidates(uow, refused)
    counted = {"total_images": CrawlJob.total_images + new, "version": CrawlJob.version + 1}
    await uow.execute(update(CrawlJob).where(CrawlJob.id == job.crawl_job_id).values(counted))
    await publish(uow, f"job:{job.crawl_job_id}")
    return new


async def pending_candidates(uow: UnitOfWork, chunk_id: UUID, after: UUID | None, limit: int) -> list[Candidate]:
    """The next addresses of a chunk that were not looked at."""
    columns = [getattr(CrawlCandidate, name) for name in Candidate.__dataclass_fields__]
    mine = CrawlCandidate.chunk_id == chunk_id, CrawlCandidate.state == CandidateState.FOUND
    rest = [] if after is None else [CrawlCandidate.id > after]
    found = select(*columns).where(*mine, *rest).order_by(CrawlCandidate.id).limit(limit)
    return [Candidate(**row._mapping) for row in await uow.all(found)]


async def reassign_candidates(uow: UnitOfWork, chunk_id: UUID, to: UUID) -> None:
    """Give what a chunk did not look at to another one."""
    rest = CrawlCandidate.chunk_id == chunk_id, CrawlCandidate.state == CandidateState.FOUND
    await uow.execute(update(CrawlCandidate).where(*rest).values(chunk_id=to))


async def has_pending_candidates(uow: UnitOfWork, chunk_id: UUID) -> bool:
    """Whether the chunk has addresses that were not looked at."""
    return bool(await pending_candidates(uow, chunk_id, None, 1))


async def count_stored(uow: UnitOfWork, chunk_id: UUID) -> int:
    """How many images a chunk has made."""
    made = CrawlCandidate.chunk_id == chunk_id, CrawlCandidate.state == CandidateState.STORED
    return await uow.scalar(select(func.count()).select_from(CrawlCandidate).where(*made)) or 0


async def images_with_validators(uow: UnitOfWork, keys: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """The company's latest image of each of these addresses whose server said how to ask for changes."""
    tagged = func.coalesce(Image.etag, Image.last_modified).is_not(None), Image.storage_url.is_not(None)
    latest = select(Image).ext(distinct_on(Image.url_key)).where(Image.url_key == any_id(keys), *tagged)
    rows = await uow.all(latest.order_by(Image.url_key, Image.id.desc()))
    return {row.url_key: row for row in rows}


async def save_results(uow: UnitOfWork, job: GatherChunk, taken: Sequence[CandidateResult]) -> tuple[int, bool]:
    """Make images of what was stored, as far as the crawl has room and knows no equal ones.

    Answers how many it made, and whether the crawl is full. Safe to repeat: what was kept is kept once.
    """
    crawl = await lock_crawl(uow, job.crawl_job_id)
    assert crawl is not None  # the chunk's row, which refers to it, is locked
    await images.lock_image_files(uow)
    hashes = [each.image.hash for each in taken if each.image is not None]
    mine = select(Image.hash).where(Image.crawl_job_id == crawl.id, Image.hash == any_text(hashes))
    seen = {row.hash for row in await uow.all(mine)} if hashes else set()
    fates: dict[UUID, CandidateState] = {}
    made: list[dict[str, Any]] = []
    for each in taken:
        if each.image is None:
            fates[each.candidate.id] = CandidateState.REFUSED
        elif each.image.hash in seen:
            fates[each.candidate.id] = CandidateState.DUPLICATE
        elif crawl.downloaded_images + len(made) >= crawl.max_images:
            fates[each.candidate.id] = CandidateState.LEFT
        else:
            seen.add(each.image.hash)
            fates[each.candidate.id] = CandidateState.STORED
            number = crawl.sequence + len(made) + 1
            made.append(_image_values(uow.company_id, crawl, each, each.image, number))
    if made:
        await uow.execute(insert(Image), made)
    await _update_candidates(uow, taken, fates)
    downloaded = crawl.downloaded_images + len(made)
    values = {
        "downloaded_images": downloaded,
        "sequence": crawl.sequence + len(made),
        "progress": min(99, 100 * downloaded // crawl.max_images),
        "version": crawl.version + 1,
    }
    await uow.execute(update(CrawlJob).where(CrawlJob.id == crawl.id).values(values))
    await publish(uow, f"job:{crawl.id}", *([f"images:{crawl.id}"] if made else []))
    return len(made), downloaded >= crawl.max_images


async def crawl_problems(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Of each of these crawls, why addresses gave no image: `code`, a `message`, the `count`, one `url`."""
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
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
        found[values.pop("crawl_job_id")].append(values)
    return found


async def images_after(
    uow: UnitOfWork, viewer: Viewer, columns: Sequence[str], crawl_job_id: UUID, after: int, limit: int
) -> Sequence[Row[Any]]:
    """What the viewer may see of a crawl's images numbered above `after`, in their order."""
    wanted = [getattr(Image, name).label(name) for name in columns]
    seen = access.visible(viewer, Image, *wanted)
    later = seen.where(Image.crawl_job_id == crawl_job_id, Image.sequence > after)
    return await uow.all(later.order_by(Image.sequence, Image.id).limit(limit))


def sanitize_text(given: str | None, limit: int = MAX_TEXT_LENGTH) -> str | None:
    """Other people's text as the database takes it: no NUL, no half characters, not longer than `limit`."""
    if given is None:
        return None
    readable = given.replace("\0", "").encode(errors="ignore").decode()
    return " ".join(readable.split())[:limit] or None


def download_filename(url: str, format: str) -> str:
    """What an image is called when it is downloaded: as at its address, with its true ending."""
    stem = PurePosixPath(unquote(urlsplit(url).path, errors="ignore")).stem
    readable = sanitize_text("".join(c for c in stem if c.isprintable() and c not in '\\/:*?"<>|'), 200)
    return f"{readable or 'image'}.{format}"


def _candidate_values(job: GatherChunk, found: ImageCandidate) -> dict[str, Any] | None:
    """The row of an address; none where it is no address that could be kept."""
    url = sanitize_text(found.url, MAX_URL_LENGTH + 1)
    if url is None or len(url) > MAX_URL_LENGTH or url != found.url:
        return None
    return {
        "crawl_job_id": job.crawl_job_id,
        "chunk_id": job.chunk_id,
        "url": url,
        "url_key": url_key(url),
        "page_url": sanitize_text(found.page_url, MAX_URL_LENGTH),
        "licence": sanitize_text(found.licence),
        "attribution": sanitize_text(found.attribution),
        "caption": sanitize_text(found.caption),
    }


async def _insert_candidates(uow: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> int:
    """Candidates that the crawl did not have."""
    new = 0
    for start in range(0, len(rows), INSERT_BATCH_SIZE):
        batch = upsert(CrawlCandidate).values(list(rows[start : start + INSERT_BATCH_SIZE]))
        unique = batch.on_conflict_do_nothing(index_elements=["company_id", "crawl_job_id", "url_key"])
        new += len(await uow.all(unique.returning(CrawlCandidate.id)))
    return new


def _image_values(company_id: UUID, crawl: Row[Any], taken: CandidateResult, picture: DecodedImage, number: int) -> dict[str, Any]:
    found = taken.candidate
    return {
        "crawl_job_id": crawl.id,
        "original_url": found.url,
        "url_key": found.url_key,
        "filename": download_filename(found.url, picture.format),
        "storage_url": object_key(company_id, picture),
        "thumbnail_key": thumbnail_key(company_id, picture.hash),
        "width": picture.width,
        "height": picture.height,
        "file_size": picture.size,
        "format": picture.format,
        "hash": picture.hash,
        "perceptual_hash": picture.perceptual_hash,
        "page_url": found.page_url,
        "licence": found.licence,
        "attribution": found.attribution,
        "caption": found.caption,
        "etag": sanitize_text(taken.etag),
        "last_modified": sanitize_text(taken.last_modified),
        "sequence": number,
    }


async def _update_candidates(uow: UnitOfWork, taken: Sequence[CandidateResult], fates: Mapping[UUID, CandidateState]) -> None:
    """Write down what became of the addresses."""
    for state in set(fates.values()) - {CandidateState.REFUSED}:
        ids = [id for id, fate in fates.items() if fate is state]
        await uow.execute(update(CrawlCandidate).where(CrawlCandidate.id == any_id(ids)).values(state=state))
    for each in taken:
        if fates[each.candidate.id] is CandidateState.REFUSED:
            reason = {"code": each.code, "message": sanitize_text(each.message)}
            refused = update(CrawlCandidate).where(CrawlCandidate.id == each.candidate.id)
            await uow.execute(refused.values(state=CandidateState.REFUSED, **reason))
