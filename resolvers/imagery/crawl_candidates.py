"""Candidates of a crawl: the addresses that its sources have found, each of which has an end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import func, or_, select, type_coerce, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.ports import CandidateBatch, ImageCandidate
from db.arrays import TEXTS, UUIDS, unnest_table
from db.events import publish
from db.ids import new_id
from db.models import CandidateKind, CandidateState, CrawlCandidate, CrawlJob
from db.uow import UnitOfWork
from resolvers.imagery.crawl_chunks import GatherChunk, lock_crawl

MAX_URL_LENGTH, MAX_TEXT_LENGTH = 4096, 2000
INSERT_BATCH_SIZE = 1000
UNREADABLE = "UNREADABLE"
"""Error code of pages and lists that could not be read."""
BAD_ADDRESS = "BAD_ADDRESS"
"""Error code of addresses that cannot be stored as they are."""
BAD_ADDRESS_MESSAGE = (
    f"The URL is longer than {MAX_URL_LENGTH} characters, or has characters that no URL has."
)
MAX_IMAGES = "MAX_IMAGES"
"""Code of what is left out as the crawl has reached its maximum number of images."""
MAX_IMAGES_MESSAGE = "The crawl had reached maxImages."

WAITING = CrawlCandidate.state == CandidateState.WAITING
DUE = or_(CrawlCandidate.retry_at.is_(None), CrawlCandidate.retry_at <= func.now())


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
    attempts: int = 0
    retry_until: datetime | None = None


def url_key(url: str) -> UUID:
    """Deterministic key of a URL without its fragment."""
    return uuid5(NAMESPACE_URL, urlunsplit(urlsplit(url)._replace(fragment="")) if "#" in url else url)


async def add_candidates(uow: UnitOfWork, job: GatherChunk, batch: CandidateBatch) -> int:
    """Store what a search has found, could not read, or left out; returns the number of new candidates."""
    rows = [_image_values(job, candidate) for candidate in batch.candidates]
    rows += [_page_values(job, url, CandidateState.REFUSED, UNREADABLE, why) for url, why in batch.errors]
    rows += [
        _page_values(job, url, CandidateState.BOUNDED, bound.value, None) for url, bound in batch.bounded
    ]
    await lock_crawl(uow, job.crawl_job_id)
    kinds = await insert_candidates(uow, rows)
    new = kinds.count(CandidateKind.IMAGE.value)
    counters = {"total_images": CrawlJob.total_images + new, "version": CrawlJob.version + 1}
    await uow.execute(update(CrawlJob).where(CrawlJob.id == job.crawl_job_id).values(counters))
    await publish(uow, f"job:{job.crawl_job_id}")
    return new


async def pending_candidates(
    uow: UnitOfWork, chunk_id: UUID, after: UUID | None, limit: int
) -> list[Candidate]:
    """The next candidates of a chunk that may be requested now."""
    columns = [getattr(CrawlCandidate, name) for name in Candidate.__dataclass_fields__]
    rest = [] if after is None else [CrawlCandidate.id > after]
    pending = select(*columns).where(CrawlCandidate.chunk_id == chunk_id, WAITING, DUE, *rest)
    rows = await uow.all(pending.order_by(CrawlCandidate.id).limit(limit))
    return [Candidate(**row._mapping) for row in rows]


async def reassign_candidates(uow: UnitOfWork, chunk_id: UUID, to: UUID) -> None:
    """Move a chunk's waiting candidates to another chunk."""
    waiting = update(CrawlCandidate).where(CrawlCandidate.chunk_id == chunk_id, WAITING)
    await uow.execute(waiting.values(chunk_id=to))


async def has_pending_candidates(uow: UnitOfWork, chunk_id: UUID) -> bool:
    """Whether the chunk has candidates that may be requested now."""
    return bool(await pending_candidates(uow, chunk_id, None, 1))


async def seconds_until_due(uow: UnitOfWork, chunk_id: UUID) -> float | None:
    """Seconds until the first waiting candidate of a chunk may be requested; None if none waits."""
    left = func.extract("epoch", func.min(CrawlCandidate.retry_at) - func.now())
    seconds = await uow.scalar(select(left).where(CrawlCandidate.chunk_id == chunk_id, WAITING))
    return None if seconds is None else max(0.0, float(seconds))


async def count_stored(uow: UnitOfWork, chunk_id: UUID) -> int:
    """Number of images stored by a chunk."""
    stored = CrawlCandidate.chunk_id == chunk_id, CrawlCandidate.state == CandidateState.STORED
    return await uow.scalar(select(func.count()).select_from(CrawlCandidate).where(*stored)) or 0


def sanitize_text(text: str | None, limit: int = MAX_TEXT_LENGTH) -> str | None:
    """External text without NUL and lone surrogates, truncated to `limit` characters."""
    if text is None:
        return None
    readable = text.replace("\0", "").encode(errors="ignore").decode()
    return " ".join(readable.split())[:limit] or None


def _image_values(job: GatherChunk, candidate: ImageCandidate) -> dict[str, Any]:
    """The columns of a candidate; one whose URL cannot be stored as it is, is refused."""
    url = sanitize_text(candidate.url, MAX_URL_LENGTH + 1)
    is_storable = url is not None and len(url) <= MAX_URL_LENGTH and url == candidate.url
    values = {
        "url": (url or "?")[:MAX_URL_LENGTH],
        "url_key": url_key(candidate.url.encode(errors="replace").decode()),
        "page_url": sanitize_text(candidate.page_url, MAX_URL_LENGTH),
        "licence": sanitize_text(candidate.licence),
        "attribution": sanitize_text(candidate.attribution),
        "caption": sanitize_text(candidate.caption),
    }
    reason = {"state": CandidateState.REFUSED, "code": BAD_ADDRESS, "message": BAD_ADDRESS_MESSAGE}
    return candidate_values(job.crawl_job_id, job.chunk_id, **values, **({} if is_storable else reason))


def _page_values(
    job: GatherChunk, url: str, state: CandidateState, code: str, message: str | None
) -> dict[str, Any]:
    """The columns of a page that was not read."""
    return candidate_values(
        job.crawl_job_id,
        job.chunk_id,
        url=(sanitize_text(url) or "?")[:MAX_URL_LENGTH],
        url_key=url_key(url.encode(errors="replace").decode()),
        kind=CandidateKind.PAGE,
        state=state,
        code=code,
        message=sanitize_text(message),
    )


def candidate_values(crawl_job_id: UUID, chunk_id: UUID, **values: Any) -> dict[str, Any]:
    """The columns of a new candidate."""
    texts = dict.fromkeys(("page_url", "licence", "attribution", "caption", "code", "message"))
    kinds = {"kind": CandidateKind.IMAGE, "state": CandidateState.WAITING}
    return {
        "id": new_id(),
        "crawl_job_id": crawl_job_id,
        "chunk_id": chunk_id,
        **texts,
        **kinds,
        **values,
    }


async def insert_candidates(uow: UnitOfWork, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Insert candidates that the crawl does not have; returns the kinds of the new ones."""
    kinds: list[str] = []
    for start in range(0, len(rows), INSERT_BATCH_SIZE):
        batch = rows[start : start + INSERT_BATCH_SIZE]
        types = {name: UUIDS if isinstance(value, UUID) else TEXTS for name, value in batch[0].items()}
        columns = {name: ([_column_value(row[name]) for row in batch], type) for name, type in types.items()}
        new = unnest_table(columns, "candidate")
        values = [
            type_coerce(new.c[name], getattr(CrawlCandidate, name).type).label(name) for name in columns
        ]
        inserted = upsert(CrawlCandidate).from_select(list(columns), select(*values))
        unique = inserted.on_conflict_do_nothing(index_elements=["company_id", "crawl_job_id", "url_key"])
        found = await uow.all(
            unique.returning(type_coerce(CrawlCandidate.kind, TEXTS.item_type).label("kind"))
        )
        kinds += [row.kind for row in found]
    return kinds


def _column_value(value: Any) -> Any:
    return value.value if isinstance(value, CandidateKind | CandidateState) else value
