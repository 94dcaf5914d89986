"""One chunk's work: addresses from a source, files from the addresses, images from the files.

The handler's own task alone writes; searching and downloading go on beside it. Everything that is decided is
decided in one unit with what follows from it, so that dying anywhere loses nothing and doubles nothing.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from core.errors import Conflict
from core.images import DecodedImage
from core.ports import CandidateBatch, FetchResponse, FetchError
from pipelines.imagery.image_inspection import Unfit, inspect, thumbnail_of
from pipelines.runtime.handlers import Retry, Run
from resolvers.imagery import crawl_results
from resolvers.imagery.crawl_chunks import GatherChunk
from resolvers.imagery.crawl_results import Candidate, CandidateResult
from resolvers.imagery.crawl_sources import CrawlTask

DOWNLOADS = 8
"""Of one chunk at a time."""
BATCH, BATCH_SECONDS = 16, 0.25
"""Files that are looked at together, and how long the first of them waits for the others."""
INSPECTION_SECONDS = 120.0
READ_AHEAD = 64


@dataclass(frozen=True)
class Arrival:
    """What came of asking an address: a file, what was known of it already, or a refusal."""

    candidate: Candidate
    file: Path | None = None
    answer: FetchResponse | None = None
    known: Row[Any] | None = None
    refusal: FetchError | None = None


class Gathering:
    """The work on a chunk that has so many images already, with its files in `folder`."""

    def __init__(self, job: GatherChunk, run: Run, chunk: Row[Any], gathered: int, folder: Path) -> None:
        self._job, self._run, self._folder = job, run, folder
        self._piece = CrawlTask.from_json(chunk.wanted)
        self._source = run.services.sources[self._piece.kind]
        self._share = chunk.share
        state: Mapping[str, Any] = chunk.checkpoint or {}
        self._cursor, self._listed = state.get("cursor"), bool(state.get("listed"))
        self._gathered = gathered
        self._full = False
        self._last: UUID | None = None
        self._exhausted = False
        self._ready: deque[Candidate] = deque()
        self._known: dict[UUID, Row[Any]] = {}

    @property
    def left(self) -> Mapping[str, Any] | None:
        """From where another chunk goes on searching; None where the source has nothing more."""
        return None if self._listed else {"cursor": self._cursor}

    @property
    def full(self) -> bool:
        """Whether the crawl has all its images."""
        return self._full

    async def work(self, seconds: float) -> None:
        """Gather until share, source, crawl or time is at its end. Raises `Retry`, `Conflict`."""
        clock = asyncio.get_running_loop()
        until = clock.time() + seconds
        downloads: set[asyncio.Task[Arrival]] = set()
        search: asyncio.Task[CandidateBatch] | None = None
        arrived: list[Arrival] = []
        first_at = 0.0
        try:
            while True:
                wanted = self._share - self._gathered - len(arrived) - len(downloads)
                more = not self._full and clock.time() < until
                while more and wanted > 0 and len(downloads) < DOWNLOADS and await self._any_ready():
                    downloads.add(asyncio.create_task(self._take(self._ready.popleft())))
                    wanted -= 1
                if more and wanted > 0 and search is None and not self._ready and not self._listed:
                    search = asyncio.create_task(self._source.search(self._piece.query, self._cursor))
                under_way = downloads | ({search} if search is not None and more else set())
                if not under_way and not arrived:
                    return
                if under_way:
                    await asyncio.wait(under_way, timeout=BATCH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                done = {task for task in downloads if task.done()}
                downloads -= done
                if done and not arrived:
                    first_at = clock.time()
                arrived += [task.result() for task in done]
                if search is not None and search.done():
                    finished, search = search, None
                    await self._note(self._searched(finished))
                late = clock.time() - first_at >= BATCH_SECONDS
                if arrived and (len(arrived) >= BATCH or late or not downloads):
                    batch, arrived = arrived[:BATCH], arrived[BATCH:]
                    await self._keep(batch)
        finally:
            ends = [*downloads, *([search] if search is not None else [])]
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    def _searched(self, search: asyncio.Task[CandidateBatch]) -> CandidateBatch:
        try:
            return search.result()
        except FetchError as refusal:
            if (
                refusal.retry_after > 0
            ):  # who asks for patience gets it; all else was tried again by the fetcher
                raise Retry(refusal.message, after=refusal.retry_after) from refusal
            raise Conflict(refusal.message) from refusal

    async def _any_ready(self) -> bool:
        """Whether there is an address to ask, after reading further ones if need be."""
        if not self._ready and not self._exhausted:
            async with self._run.read() as uow:
                found = await crawl_results.pending_candidates(uow, self._job.chunk_id, self._last, READ_AHEAD)
                self._known = (
                    await crawl_results.images_with_validators(uow, [each.url_key for each in found]) if found else {}
                )
            self._exhausted = len(found) < READ_AHEAD
            self._ready.extend(found)
            self._last = found[-1].id if found else self._last
        return bool(self._ready)

    async def _note(self, batch: CandidateBatch) -> None:
        """Keep what a search found, together with where it stands."""
        self._cursor, self._listed = batch.cursor, batch.cursor is None
        async with self._run.write() as uow:
            await crawl_results.add_candidates(uow, self._job, batch.candidates, batch.errors)
            await self._run.save({"cursor": self._cursor, "listed": self._listed}, uow)
        self._exhausted = False

    async def _take(self, candidate: Candidate) -> Arrival:
        """Download what is at an address, unless it is what the company has of it already."""
        known = self._known.get(candidate.url_key)
        if known is not None and not await self._stored(known.storage_url):
            known = None
        path = self._folder / str(candidate.id)
        limit = self._run.services.settings.crawl_image_bytes
        try:
            answer = await self._source.download(
                candidate.url,
                path,
                limit=limit,
                etag=known.etag if known is not None else None,
                last_modified=known.last_modified if known is not None else None,
            )
        except FetchError as refusal:
            return Arrival(candidate, refusal=refusal)
        if answer.is_not_modified:
            return Arrival(candidate, answer=answer, known=known)
        return Arrival(candidate, file=path, answer=answer)

    async def _keep(self, arrived: Sequence[Arrival]) -> None:
        """Look at what arrived, store it, and write all of it down at once."""
        files = [each.file for each in arrived if each.file is not None]
        pictures: dict[Path, DecodedImage | Unfit] = {}
        if files:
            pixels = self._run.services.settings.crawl_image_pixels
            looked_at = await self._run.cpu_within(INSPECTION_SECONDS, inspect, files, pixels)
            pictures = dict(zip(files, looked_at, strict=True))
        fit = {path: each for path, each in pictures.items() if isinstance(each, DecodedImage)}
        await self._store(fit)
        taken = [taken_of(each, pictures) for each in arrived]
        async with self._run.write() as uow:
            made, self._full = await crawl_results.save_results(uow, self._job, taken)
        self._gathered += made
        await self._store(fit)  # what was removed, unused, just before it was used
        for path in files:
            for each in (path, thumbnail_of(path)):
                with suppress(FileNotFoundError):
                    each.unlink()
        await self._run.report(self._gathered / self._share)

    async def _store(self, pictures: Mapping[Path, DecodedImage]) -> None:
        """Have the store hold these pictures with their thumbnails."""
        company = self._run.company_id
        objects = {crawl_results.object_key(company, picture): path for path, picture in pictures.items()}
        objects |= {
            crawl_results.thumbnail_key(company, picture.hash): thumbnail_of(path)
            for path, picture in pictures.items()
        }
        await asyncio.gather(*(self._put(key, path) for key, path in objects.items()))

    async def _put(self, key: str, path: Path) -> None:
        if not await self._stored(key):
            await self._run.services.store.put_file(key, path)

    async def _stored(self, key: str) -> bool:
        try:
            await self._run.services.store.head(key)
        except FileNotFoundError:
            return False
        return True


def taken_of(arrival: Arrival, pictures: Mapping[Path, DecodedImage | Unfit]) -> CandidateResult:
    """What is written down of an arrival."""
    candidate, answer = arrival.candidate, arrival.answer
    if arrival.refusal is not None:
        return CandidateResult(candidate, code=arrival.refusal.code.value, message=arrival.refusal.message)
    if arrival.known is not None:
        known = arrival.known
        picture = DecodedImage(
            hash=known.hash,
            format=known.format,
            width=known.width,
            height=known.height,
            size=known.file_size,
            perceptual_hash=known.perceptual_hash,
        )
        return CandidateResult(candidate, picture, known.etag, known.last_modified)
    assert arrival.file is not None
    found = pictures[arrival.file]
    if isinstance(found, Unfit):
        return CandidateResult(candidate, code=found.code, message=found.message)
    tags = (answer.etag, answer.last_modified) if answer is not None else (None, None)
    return CandidateResult(candidate, found, *tags)
