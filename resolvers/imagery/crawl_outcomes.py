"""Outcome of a crawl: what became of all addresses that it has seen, and what its limits left out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from core.ports import SearchBound
from db.arrays import any_id
from db.models import CandidateKind, CandidateState, CrawlCandidate, CrawlChunk, CrawlJob, JobStatus
from db.uow import UnitOfWork
from resolvers.imagery.crawl_candidates import (
    MAX_IMAGES,
    MAX_IMAGES_MESSAGE,
    UNREADABLE,
    WAITING,
    candidate_values,
    insert_candidates,
    url_key,
)
from resolvers.imagery.crawl_chunks import is_full
from resolvers.imagery.crawl_sources import CrawlTask

SOURCE_FAILED, NOTHING_FOUND, SOURCE_STOPPED = "SOURCE_FAILED", "NOTHING_FOUND", "SOURCE_STOPPED"
MAX_REASONS = 3

UNREAD_CHUNK = CrawlChunk.checkpoint["listed"].as_boolean().is_not(True)
"""Condition for a chunk whose source has more than was read."""

BOUNDS: Mapping[str, tuple[str, str | None]] = {
    MAX_IMAGES: ("Images were left out, as the crawl had reached maxImages.", "maxImages"),
    SearchBound.MAX_PAGES.value: ("Pages were not read, as the site has more than maxPages.", "maxPages"),
    SearchBound.MAX_DEPTH.value: (
        "Pages were not read, as they are more than maxDepth links from the start pages.",
        "maxDepth",
    ),
    SearchBound.MAX_RESULTS.value: ("The source gives no further results of this search.", None),
    SearchBound.MAX_STYLE_SHEETS.value: ("Style sheets beyond the first ones were not read.", None),
}
"""Message for each limit, and the setting of the crawl that raises it."""


@dataclass(frozen=True)
class CrawlOutcome:
    """How many of the image addresses that a crawl has seen are in each state; pages that were not read."""

    seen: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    bounded: int = 0
    waiting: int = 0
    refused_pages: int = 0
    bounded_pages: int = 0


async def crawl_outcomes(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, CrawlOutcome]:
    """The outcome per crawl."""
    columns = CrawlCandidate.crawl_job_id, CrawlCandidate.kind, CrawlCandidate.state
    counted = select(*columns, func.count().label("count")).group_by(*columns)
    counts: dict[UUID, dict[tuple[CandidateKind, CandidateState], int]] = {id: {} for id in ids}
    for row in await uow.all(counted.where(CrawlCandidate.crawl_job_id == any_id(ids))):
        counts[row.crawl_job_id][row.kind, row.state] = row.count
    return {id: _outcome(counts[id]) for id in ids}


async def crawl_problems(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Errors per crawl: `code`, a `message`, the `count` and one `url`."""
    problems: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in await uow.all(_reasons(ids).where(CrawlCandidate.state == CandidateState.REFUSED)):
        values = dict(row._mapping)
        problems[values.pop("crawl_job_id")].append(values)
    return problems


async def crawl_warnings(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """What is missing per crawl: `code`, `message`, `setting`, `count` and one `url`."""
    warnings: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in await uow.all(_reasons(ids).where(CrawlCandidate.state == CandidateState.BOUNDED)):
        message, setting = BOUNDS.get(row.code, (row.message, None))
        warnings[row.crawl_job_id].append(_warning_values(row.code, message, row.count, row.url, setting))
    unread = _reasons(ids).where(CrawlCandidate.state == CandidateState.REFUSED)
    for row in await uow.all(unread.where(CrawlCandidate.kind == CandidateKind.PAGE)):
        message = f"Pages could not be read, and their images are missing: {row.message}"
        warnings[row.crawl_job_id].append(_warning_values(UNREADABLE, message, row.count, row.url))
    ended = select(CrawlChunk.crawl_job_id, CrawlChunk.wanted, CrawlChunk.error_message, CrawlChunk.status)
    ended = ended.where(CrawlChunk.crawl_job_id == any_id(ids)).order_by(CrawlChunk.number)
    for row in await uow.all(ended.where(CrawlChunk.status == JobStatus.FAILED)):
        task = CrawlTask.from_json(row.wanted)
        name = " ".join(filter(None, (task.kind.name, task.query.keyword)))
        url = next(iter(task.query.urls), None)
        warnings[row.crawl_job_id].append(
            _warning_values(SOURCE_FAILED, f"The source {name} failed: {row.error_message}", 1, url)
        )
    for row in await uow.all(ended.where(CrawlChunk.status == JobStatus.COMPLETED, UNREAD_CHUNK)):
        listed = warnings[row.crawl_job_id]
        if not any(warning["code"] == MAX_IMAGES for warning in listed):
            message = "The crawl had reached maxImages before its sources were read to their ends."
            listed.append(_warning_values(MAX_IMAGES, message, 0, None, "maxImages"))
    empty = CrawlJob.status == JobStatus.COMPLETED, CrawlJob.total_images == 0
    for row in await uow.all(select(CrawlJob.id).where(CrawlJob.id == any_id(ids), *empty)):
        if not warnings[row.id]:
            warnings[row.id].append(_warning_values(NOTHING_FOUND, "The sources gave no image.", 0, None))
    return warnings


async def settle_candidates(uow: UnitOfWork, crawl: CrawlJob) -> CrawlOutcome:
    """Give each address that still waits in a crawl, whose chunks have ended, its end; the outcome."""
    of_crawl = CrawlCandidate.crawl_job_id == crawl.id, WAITING
    unretried = {"retry_at": None, "retry_until": None}
    if is_full(crawl):
        await _list_unread(uow, crawl)
        bounded = {"state": CandidateState.BOUNDED, "code": MAX_IMAGES, "message": MAX_IMAGES_MESSAGE}
        await uow.execute(update(CrawlCandidate).where(*of_crawl).values(bounded | unretried))
    else:
        stopped = {"state": CandidateState.REFUSED, "code": SOURCE_STOPPED}
        reason = func.coalesce(CrawlChunk.error_message, "The part of the crawl that had it did not finish.")
        statement = update(CrawlCandidate).where(*of_crawl, CrawlChunk.id == CrawlCandidate.chunk_id)
        await uow.execute(statement.values(stopped | unretried | {"message": reason}))
    return (await crawl_outcomes(uow, [crawl.id]))[crawl.id]


async def refusal_summary(uow: UnitOfWork, crawl_job_id: UUID, outcome: CrawlOutcome) -> str:
    """Why a crawl has no image, with its most frequent reasons."""
    problems = (await crawl_problems(uow, [crawl_job_id])).get(crawl_job_id, [])
    reasons = [f"{each['message']} ({each['code']}, {each['count']})" for each in problems[:MAX_REASONS]]
    number = outcome.refused + outcome.refused_pages
    return " ".join([f"All addresses were refused ({number}).", *reasons])


async def _list_unread(uow: UnitOfWork, crawl: CrawlJob) -> None:
    """Enter the addresses of lists that a full crawl has not read."""
    unread = select(CrawlChunk.id, CrawlChunk.wanted).where(CrawlChunk.crawl_job_id == crawl.id, UNREAD_CHUNK)
    bounded = {"state": CandidateState.BOUNDED, "code": MAX_IMAGES, "message": MAX_IMAGES_MESSAGE}
    rows = [
        candidate_values(crawl.id, chunk.id, url=url, url_key=url_key(url), **bounded)
        for chunk in await uow.all(unread.where(CrawlChunk.status == JobStatus.COMPLETED))
        for url in CrawlTask.from_json(chunk.wanted).listed_images
    ]
    new = len(await insert_candidates(uow, rows))
    counters = {"total_images": CrawlJob.total_images + new, "version": CrawlJob.version + 1}
    await uow.execute(update(CrawlJob).where(CrawlJob.id == crawl.id).values(counters))


def _warning_values(
    code: str, message: str | None, count: int, url: str | None, setting: str | None = None
) -> dict[str, Any]:
    return {"code": code, "message": message or code, "count": count, "url": url, "setting": setting}


def _reasons(ids: Sequence[UUID]) -> Any:
    """Codes per crawl, most frequent first, with an example of each."""
    reasons = select(
        CrawlCandidate.crawl_job_id,
        CrawlCandidate.code,
        func.min(CrawlCandidate.message).label("message"),
        func.count().label("count"),
        func.min(CrawlCandidate.url).label("url"),
    ).where(CrawlCandidate.crawl_job_id == any_id(ids))
    grouped = reasons.group_by(CrawlCandidate.crawl_job_id, CrawlCandidate.code)
    return grouped.order_by(func.count().desc(), CrawlCandidate.code)


def _outcome(counts: Mapping[tuple[CandidateKind, CandidateState], int]) -> CrawlOutcome:
    images = {state: counts.get((CandidateKind.IMAGE, state), 0) for state in CandidateState}
    return CrawlOutcome(
        seen=sum(images.values()),
        stored=images[CandidateState.STORED],
        duplicates=images[CandidateState.DUPLICATE],
        refused=images[CandidateState.REFUSED],
        bounded=images[CandidateState.BOUNDED],
        waiting=images[CandidateState.WAITING],
        refused_pages=counts.get((CandidateKind.PAGE, CandidateState.REFUSED), 0),
        bounded_pages=counts.get((CandidateKind.PAGE, CandidateState.BOUNDED), 0),
    )
