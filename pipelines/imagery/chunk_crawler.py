"""Crawler of one chunk: searches a source for candidate URLs, downloads them, and stores the images.

Searches and downloads run as tasks of their own; only the handler's task writes to the database. Each
decision is committed in one unit of work with its effects, so an attempt that dies loses and repeats nothing.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from core.images import DecodedImage
from core.ports import CandidateBatch, FetchError, FetchResponse
from db.models import CrawlChunk, Image
from pipelines.imagery.image_inspection import RejectedImage, inspect, thumbnail_path
from pipelines.imagery.retry_schedule import final_message, next_attempt
from pipelines.runtime.handlers import Run
from resolvers.imagery import crawl_candidates, crawl_results, images
from resolvers.imagery.crawl_candidates import Candidate
from resolvers.imagery.crawl_chunks import GatherChunk
from resolvers.imagery.crawl_results import CandidateResult
from resolvers.imagery.crawl_sources import CrawlTask

MAX_DOWNLOADS = 8
"""Concurrent downloads of one chunk."""
BATCH_SIZE, BATCH_SECONDS = 32, 0.5
"""Files that are inspected together, and the time that the first of them waits for the others."""
MAX_INSPECTIONS, MAX_UNINSPECTED = 1, 64
"""Batches of one chunk that are inspected at once, and downloaded files that wait. A job with several
computations at once loses their places to others, and starts further processes.
"""
INSPECTION_SECONDS = 120.0
PREFETCH_SIZE = 64
"""Pending candidates read from the database at a time."""


@dataclass(frozen=True)
class DownloadResult:
    """The result of a download: a file, the unchanged `known_image` of an earlier crawl, or an error."""

    candidate: Candidate
    file: Path | None = None
    response: FetchResponse | None = None
    known_image: Image | None = None
    error: FetchError | None = None


class ImageObject(NamedTuple):
    """A file to store under a key: an image with this hash, or its thumbnail."""

    hash: str
    key: str
    path: Path


@dataclass(frozen=True)
class InspectedBatch:
    """Downloads whose files were inspected; those of images are in the object store."""

    results: Sequence[DownloadResult]
    files: Mapping[Path, DecodedImage | RejectedImage]

    @property
    def images(self) -> dict[Path, DecodedImage]:
        """The images by their files."""
        return {path: image for path, image in self.files.items() if isinstance(image, DecodedImage)}


class ChunkCrawler:
    """Crawls a chunk that has `stored_count` images so far; downloads go to `folder`."""

    def __init__(
        self, job: GatherChunk, run: Run, chunk: CrawlChunk, stored_count: int, folder: Path
    ) -> None:
        self._job, self._run, self._folder = job, run, folder
        kind, query = CrawlTask.from_json(chunk.wanted)
        self._task = CrawlTask(kind, replace(query, session=str(job.crawl_job_id)))
        self._source = run.services.sources[self._task.kind]
        self._share = chunk.share
        checkpoint: Mapping[str, Any] = chunk.checkpoint or {}
        self._checkpoint: Mapping[str, Any] = {"cursor": None, "listed": False, **checkpoint}
        self._search_wait: float | None = None
        self._stored_count = stored_count
        self._is_full = False
        self._candidates: deque[Candidate] = deque()
        self._last_candidate_id: UUID | None = None
        self._candidates_exhausted = False
        self._known_images: dict[UUID, Image] = {}
        self._search: asyncio.Task[CandidateBatch] | None = None
        self._downloads: set[asyncio.Task[DownloadResult]] = set()
        self._results: list[DownloadResult] = []
        self._inspections: set[asyncio.Task[InspectedBatch]] = set()
        self._first_result_at = 0.0

    @property
    def next_checkpoint(self) -> Mapping[str, Any] | None:
        """Checkpoint from which another chunk continues the search; None if the source is exhausted."""
        return None if self._source_exhausted else self._checkpoint

    @property
    def checkpoint(self) -> Mapping[str, Any]:
        """What is known of the search."""
        return self._checkpoint

    @property
    def search_wait(self) -> float | None:
        """Seconds until the search may continue; None unless it waits for its server."""
        return self._search_wait

    @property
    def search_error(self) -> str | None:
        """Why the search was given up."""
        error: str | None = self._checkpoint.get("error")
        return error

    @property
    def _source_exhausted(self) -> bool:
        return bool(self._checkpoint["listed"])

    @property
    def is_full(self) -> bool:
        """Whether the crawl has reached its maximum number of images."""
        return self._is_full

    async def crawl(self, seconds: float) -> None:
        """Crawl until the chunk's share, the source, the crawl's maximum or the time is used up.

        Candidates and a search that wait for a server are left.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            while (running := await self._start_tasks(deadline)) or self._results:
                if running:
                    await asyncio.wait(running, timeout=BATCH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                self._collect_downloads()
                if self._search is not None and self._search.done():
                    finished, self._search = self._search, None
                    await self._save_search(finished)
                while self._is_batch_ready():
                    batch, self._results = self._results[:BATCH_SIZE], self._results[BATCH_SIZE:]
                    self._inspections.add(asyncio.create_task(self._inspect(batch)))
                for inspection in [task for task in self._inspections if task.done()]:
                    self._inspections.remove(inspection)
                    await self._save_batch(inspection.result())
        finally:
            tasks = self._tasks()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _start_tasks(self, deadline: float) -> set[asyncio.Task[Any]]:
        """Start the downloads and the search that are due; returns the tasks to wait for."""
        if self._is_full or asyncio.get_running_loop().time() >= deadline:
            return {*self._downloads, *self._inspections}
        inspecting = len(self._inspections) * BATCH_SIZE
        missing = self._share - self._stored_count - len(self._results) - len(self._downloads) - inspecting
        missing = min(missing, MAX_UNINSPECTED - len(self._results))
        while missing > 0 and len(self._downloads) < MAX_DOWNLOADS and await self._has_candidates():
            self._downloads.add(asyncio.create_task(self._download(self._candidates.popleft())))
            missing -= 1
        is_searching = self._search is not None or self._search_wait is not None
        if missing > 0 and not is_searching and not self._candidates and not self._source_exhausted:
            search = self._source.search(self._task.query, self._checkpoint["cursor"])
            self._search = asyncio.create_task(search)
        return self._tasks()

    def _tasks(self) -> set[asyncio.Task[Any]]:
        return {*self._downloads, *self._inspections, *([] if self._search is None else [self._search])}

    def _collect_downloads(self) -> None:
        """Move the results of finished downloads to the next batch."""
        done = {task for task in self._downloads if task.done()}
        self._downloads -= done
        if done and not self._results:
            self._first_result_at = asyncio.get_running_loop().time()
        self._results += [task.result() for task in done]

    def _is_batch_ready(self) -> bool:
        """Whether the batch is full, has waited long enough, or no download is running."""
        waited = asyncio.get_running_loop().time() - self._first_result_at
        is_due = len(self._results) >= BATCH_SIZE or waited >= BATCH_SECONDS or not self._downloads
        return bool(self._results) and is_due and len(self._inspections) < MAX_INSPECTIONS

    async def _has_candidates(self) -> bool:
        """Whether a candidate is left to download; reads further ones from the database if needed."""
        if not self._candidates and not self._candidates_exhausted:
            async with self._run.read() as uow:
                page = await crawl_candidates.pending_candidates(
                    uow, self._job.chunk_id, self._last_candidate_id, PREFETCH_SIZE
                )
                keys = [candidate.url_key for candidate in page]
                self._known_images = await crawl_results.images_with_validators(uow, keys) if keys else {}
            self._candidates_exhausted = len(page) < PREFETCH_SIZE
            self._candidates.extend(page)
            self._last_candidate_id = page[-1].id if page else self._last_candidate_id
        return bool(self._candidates)

    async def _save_search(self, search: asyncio.Task[CandidateBatch]) -> None:
        """Store what a search has found together with its checkpoint."""
        try:
            batch = search.result()
        except FetchError as error:
            await self._save_search_error(error)
            return
        self._checkpoint = {"cursor": batch.cursor, "listed": batch.cursor is None}
        self._search_wait = batch.wait or None
        async with self._run.write() as uow:
            await crawl_candidates.add_candidates(uow, self._job, batch)
            await self._run.save(self._checkpoint, uow)
        self._candidates_exhausted = False

    async def _save_search_error(self, error: FetchError) -> None:
        """Let the search wait for its server, or end it. What it has found is downloaded before."""
        now, stored = datetime.now(UTC), self._checkpoint.get("search_until")
        failures = self._checkpoint.get("search_failures", 0) + 1
        allowed = self._run.services.settings.crawl_retry_seconds
        until = datetime.fromisoformat(stored) if stored else None
        window = next_attempt(error, failures, until, now, allowed)
        if window is None:
            message = final_message(error, failures, allowed)
            self._checkpoint = {**self._checkpoint, "listed": True, "error": message}
        else:
            self._search_wait = window.seconds(now)
            waiting = {"search_failures": failures, "search_until": window.until.isoformat()}
            self._checkpoint = {**self._checkpoint, **waiting}
        await self._run.save(self._checkpoint)

    async def _download(self, candidate: Candidate) -> DownloadResult:
        """Download a candidate, with a conditional request if the company has its image already."""
        known = self._known_images.get(candidate.url_key)
        if known is not None and not await self._is_stored(str(known.storage_url)):
            known = None
        path = self._folder / str(candidate.id)
        try:
            response = await self._source.download(
                candidate.url,
                path,
                limit=self._run.services.settings.crawl_image_bytes,
                etag=known.etag if known is not None else None,
                last_modified=known.last_modified if known is not None else None,
                session=self._task.query.session,
                referer=candidate.page_url,
            )
        except FetchError as error:
            return DownloadResult(candidate, error=error)
        if response.is_not_modified:
            return DownloadResult(candidate, response=response, known_image=known)
        return DownloadResult(candidate, file=path, response=response)

    async def _inspect(self, batch: Sequence[DownloadResult]) -> InspectedBatch:
        """Inspect the downloaded files of a batch, and store those of images."""
        files = [result.file for result in batch if result.file is not None]
        if not files:
            return InspectedBatch(batch, {})
        max_pixels = self._run.services.settings.crawl_image_pixels
        outcomes = await self._run.cpu_within(INSPECTION_SECONDS, inspect, files, max_pixels)
        inspected = InspectedBatch(batch, dict(zip(files, outcomes, strict=True)))
        async with self._run.read() as uow:
            hashes = [image.hash for image in inspected.images.values()]
            stored = await images.hashes_in_use(uow, hashes)
        new = [item for item in self._objects(inspected) if item.hash not in stored]
        await asyncio.gather(*(self._run.put_file(item.key, item.path) for item in new))
        return inspected

    async def _save_batch(self, batch: InspectedBatch) -> None:
        """Save the results of a batch in one unit of work."""
        allowed = self._run.services.settings.crawl_retry_seconds
        results = [candidate_result(result, batch.files, allowed) for result in batch.results]
        async with self._run.write() as uow:
            created, self._is_full = await crawl_results.save_results(uow, self._job, results)
        self._stored_count += created
        # A cleanup may have deleted files before the rows were committed.
        await asyncio.gather(*(self._put(item.key, item.path) for item in self._objects(batch)))
        for path in batch.files:
            for file in (path, thumbnail_path(path)):
                with suppress(FileNotFoundError):
                    file.unlink()
        await self._run.report(self._stored_count / self._share)

    def _objects(self, batch: InspectedBatch) -> Iterator[ImageObject]:
        """What is stored of a batch: each image and its thumbnail, once."""
        company_id, seen = self._run.company_id, set[str]()
        for path, image in batch.images.items():
            if image.hash not in seen:
                seen.add(image.hash)
                yield ImageObject(image.hash, crawl_results.object_key(company_id, image), path)
                thumbnail = crawl_results.thumbnail_key(company_id, image.hash)
                yield ImageObject(image.hash, thumbnail, thumbnail_path(path))

    async def _put(self, key: str, path: Path) -> None:
        if not await self._is_stored(key):
            await self._run.put_file(key, path)

    async def _is_stored(self, key: str) -> bool:
        try:
            await self._run.services.store.head(key)
        except FileNotFoundError:
            return False
        return True


def candidate_result(
    result: DownloadResult,
    inspected: Mapping[Path, DecodedImage | RejectedImage],
    retry_seconds: float,
) -> CandidateResult:
    """The result to save for a download; what has failed is requested again for so many seconds."""
    candidate, response = result.candidate, result.response
    if result.error is not None:
        return failed_result(candidate, result.error, retry_seconds)
    if result.known_image is not None:
        known: Any = result.known_image
        image = DecodedImage(
            hash=known.hash,
            format=known.format,
            width=known.width,
            height=known.height,
            size=known.file_size,
            perceptual_hash=known.perceptual_hash,
        )
        return CandidateResult(candidate, image, known.etag, known.last_modified)
    assert result.file is not None
    outcome = inspected[result.file]
    if isinstance(outcome, RejectedImage):
        return CandidateResult(candidate, code=outcome.code, message=outcome.message)
    validators = (response.etag, response.last_modified) if response is not None else (None, None)
    return CandidateResult(candidate, outcome, *validators)


def failed_result(candidate: Candidate, error: FetchError, retry_seconds: float) -> CandidateResult:
    """The result of a download that has failed: it is repeated later, or given up."""
    failures = candidate.attempts + 1
    window = next_attempt(error, failures, candidate.retry_until, datetime.now(UTC), retry_seconds)
    return CandidateResult(
        candidate,
        code=error.code.value,
        message=error.message if window else final_message(error, failures, retry_seconds),
        retry_at=window.at if window else None,
        retry_until=window.until if window else None,
        attempts=int(error.is_sent),
    )
