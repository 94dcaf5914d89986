"""Website crawler: breadth-first from start pages or sitemaps."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from time import time

from core.ports import (
    CandidateBatch,
    FetchError,
    FetchResponse,
    ImageCandidate,
    SearchBound,
    SearchCursor,
    SourceKind,
    SourceQuery,
)
from providers.web.feeds import is_sitemap, parse_sitemap
from providers.web.html_pages import has_image_extension, parse_page, style_sheet_images
from providers.web.sources.base import UrlSource, deduplicate
from providers.web.ssrf_guard import host_and_port, parse_url

PAGE_CONCURRENCY = 4
BATCH_SIZE = 100
"""A batch ends after this number of images, or of pages."""
MAX_PAGES_PER_BATCH = 12
MAX_PAGE_BYTES = 8 * 1024 * 1024
PAGE_TYPES = ("text/", "application/", "image/")
STYLE_TYPES = ("text/",)
MAX_STYLE_SHEETS, MAX_SITE_STYLE_SHEETS = 4, 50
"""Style sheets that are read of one page, and of one crawl."""
MAX_PAGES, MAX_DEPTH = 10_000, 20
MAX_LISTED_BOUNDS = 1000
"""Pages beyond the limits of a crawl that are listed."""
MAX_PAGE_RETRIES, FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 8, 5.0, 300.0
"""Times that a page is requested again whose server is overloaded; the delay doubles each time."""


@dataclass(frozen=True)
class PostponedPage:
    """A page whose server did not answer: it is requested again at `due`, in seconds since 1970."""

    page: str
    depth: int
    failures: int
    due: float


@dataclass
class Frontier:
    """Crawl frontier: pending pages with their depth, all pages ever added, and those beyond a limit."""

    pending: dict[str, int]
    planned: set[str]
    hosts: set[str]
    visited: int = 0
    style_sheets: set[str] = field(default_factory=set)
    beyond: dict[str, str] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    postponed: list[PostponedPage] = field(default_factory=list)

    @classmethod
    def start(cls, query: SourceQuery, cursor: SearchCursor | None) -> "Frontier":
        """The frontier of a new crawl, or as stored in a cursor."""
        if cursor is not None:
            return cls(
                dict(cursor["left"]),
                set(cursor["planned"]),
                set(cursor["hosts"]),
                int(cursor["visited"]),
                set(cursor.get("style_sheets", ())),
                dict(cursor.get("beyond", {})),
                dict(cursor.get("failures", {})),
                [PostponedPage(*stored) for stored in cursor.get("postponed", ())],
            )
        starts = [str(parse_url(address)) for address in query.urls]
        return cls(dict.fromkeys(starts, 0), set(starts), {_host(start) for start in starts})

    def cursor(self) -> SearchCursor | None:
        """The cursor for `start`; None if no page is pending."""
        if not self.pending and not self.postponed:
            return None
        return {
            "left": list(self.pending.items()),
            "planned": sorted(self.planned),
            "hosts": sorted(self.hosts),
            "visited": self.visited,
            "style_sheets": sorted(self.style_sheets),
            "beyond": self.beyond,
            "failures": self.failures,
            "postponed": [[page.page, page.depth, page.failures, page.due] for page in self.postponed],
        }

    def resume_postponed(self) -> None:
        """Make the postponed pages pending that are due."""
        now = time()
        for page in self.postponed:
            if page.due <= now:
                self.pending[page.page] = page.depth
        self.postponed = [page for page in self.postponed if page.due > now]

    def postpone(self, page: str, depth: int, error: FetchError, allowed_seconds: float) -> bool:
        """Whether the page is requested again later."""
        failures = self.failures.get(page, 0) + 1
        delay = error.retry_after or min(MAX_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** (failures - 1))
        if not error.is_transient or failures > MAX_PAGE_RETRIES or delay > allowed_seconds:
            self.failures.pop(page, None)
            return False
        self.failures[page] = failures
        self.postponed.append(PostponedPage(page, depth, failures, time() + delay))
        return True

    def wait(self) -> float:
        """Seconds until a page is due; 0 if one is pending, or none is left."""
        if self.pending or not self.postponed:
            return 0
        return max(0.001, min(page.due for page in self.postponed) - time())

    def take(self, limit: int) -> list[tuple[str, int]]:
        """Removes and returns the next pages with their depth, lowest depth first."""
        taken = list(islice(self.pending.items(), limit))
        for page, _ in taken:
            del self.pending[page]
        self.visited += len(taken)
        return taken

    def add(self, links: Iterable[str], depth: int, query: SourceQuery) -> None:
        """Adds links on the same hosts, within the limits of the query."""
        for link in links:
            with suppress(FetchError):
                page = str(parse_url(link))
                if page in self.planned or _host(page) not in self.hosts:
                    continue
                if depth > query.max_depth:
                    self.add_beyond(page, SearchBound.MAX_DEPTH)
                elif len(self.planned) >= query.max_pages:
                    self.add_beyond(page, SearchBound.MAX_PAGES)
                else:
                    self.planned.add(page)
                    self.pending[page] = depth
                    self.beyond.pop(page, None)

    def add_beyond(self, address: str, bound: SearchBound) -> None:
        """Note an address that is not read, so that it can be listed."""
        if len(self.beyond) < MAX_LISTED_BOUNDS:
            self.beyond.setdefault(address, bound.value)


@dataclass(frozen=True)
class VisitedPage:
    """Images and links of a page, or the error that occurred."""

    images: tuple[ImageCandidate, ...] = ()
    links: tuple[str, ...] = ()
    continuations: tuple[str, ...] = ()
    style_sheets: tuple[str, ...] = ()
    error: FetchError | None = None
    url: str = ""
    """URL after redirects."""


@dataclass
class SiteBatch:
    """Images and errors of a batch of pages."""

    images: list[ImageCandidate] = field(default_factory=list)
    errors: list[tuple[str, FetchError]] = field(default_factory=list)


class SiteCrawler(UrlSource):
    """Crawls the hosts of the start URLs breadth-first, for images that pages show or link to."""

    kind = SourceKind.SITE

    def validate(self, query: SourceQuery) -> str | None:
        """Also requires limits within their range."""
        if not 1 <= query.max_pages <= MAX_PAGES:
            return f"maxPages must be between 1 and {MAX_PAGES} (got {query.max_pages})."
        if not 0 <= query.max_depth <= MAX_DEPTH:
            return f"maxDepth must be between 0 and {MAX_DEPTH} (got {query.max_depth})."
        return super().validate(query)

    async def search(self, query: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """The images of the next pages. Raises `FetchError` if no start URL can be read."""
        frontier, batch = Frontier.start(query, cursor), SiteBatch()
        frontier.resume_postponed()
        allowed_seconds = self._settings.crawl_retry_seconds
        visits = unread = 0
        while frontier.pending and len(batch.images) < BATCH_SIZE and visits < MAX_PAGES_PER_BATCH:
            pages = frontier.take(PAGE_CONCURRENCY)
            visits += len(pages)
            results = await asyncio.gather(*(self._visit(page, query.session) for page, _ in pages))
            for (page, depth), visit in zip(pages, results, strict=True):
                if visit.error is not None:
                    unread += 1
                    if depth == 0 or not frontier.postpone(page, depth, visit.error, allowed_seconds):
                        batch.errors.append((page, visit.error))
                    continue
                frontier.failures.pop(page, None)
                if depth == 0:
                    frontier.hosts.add(_host(visit.url))
                batch.images.extend(visit.images)
                await self._read_style_sheets(visit, frontier, batch)
                frontier.add(visit.continuations, depth, query)
                frontier.add(visit.links, depth + 1, query)
        if frontier.visited == visits == unread and not frontier.postponed:
            raise batch.errors[0][1]
        errors = tuple((page, refusal.message) for page, refusal in batch.errors)
        beyond = () if (following := frontier.cursor()) else frontier.beyond.items()
        bounded = tuple((address, SearchBound(bound)) for address, bound in beyond)
        return CandidateBatch(deduplicate(batch.images), following, errors, bounded, frontier.wait())

    async def _visit(self, page: str, session: str) -> VisitedPage:
        if has_image_extension(page):
            return VisitedPage((ImageCandidate(page),), url=page)
        try:
            response = await self._fetcher.read(
                page, limit=MAX_PAGE_BYTES, accept=PAGE_TYPES, session=session
            )
            return await self.parse_response(_parse, response)
        except FetchError as error:
            return VisitedPage(error=error)

    async def _read_style_sheets(self, visit: VisitedPage, frontier: Frontier, batch: SiteBatch) -> None:
        """Add the images of style sheets that no page before this one has."""
        for number, address in enumerate(visit.style_sheets):
            try:
                sheet = str(parse_url(address))
                if sheet in frontier.style_sheets:
                    continue
                if number >= MAX_STYLE_SHEETS or len(frontier.style_sheets) >= MAX_SITE_STYLE_SHEETS:
                    frontier.add_beyond(sheet, SearchBound.MAX_STYLE_SHEETS)
                    continue
                frontier.style_sheets.add(sheet)
                response = await self._fetcher.read(sheet, limit=MAX_PAGE_BYTES, accept=STYLE_TYPES)
                found = await self.parse_response(_parse_style_sheet, response)
            except FetchError as error:
                batch.errors.append((address, error))
            else:
                batch.images.extend(replace(image, page_url=visit.url) for image in found.images)


def _parse(response: FetchResponse) -> VisitedPage:
    if response.media_type.startswith("image/"):
        return VisitedPage((ImageCandidate(response.url),), url=response.url)
    if is_sitemap(response.content):
        sitemap = parse_sitemap(response.content, response.url)
        return VisitedPage(sitemap.images, sitemap.links, url=response.url)
    page = parse_page(response.content, response.url, response.headers)
    return VisitedPage(page.images, page.links, page.continuations, page.style_sheets, url=response.url)


def _parse_style_sheet(response: FetchResponse) -> VisitedPage:
    images = style_sheet_images(response.content, response.url)
    return VisitedPage(tuple(ImageCandidate(image) for image in images), url=response.url)


def _host(url: str) -> str:
    return host_and_port(parse_url(url))
