"""A walk through a web site, from pages or sitemaps."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from core.ports import CandidateBatch, SearchCursor, FetchResponse, ImageCandidate, FetchError, SourceKind, SourceQuery
from providers.web.feeds import is_listing, read_sitemap
from providers.web.html_pages import is_image_name, read_page
from providers.web.sources.base import AddressSource, once
from providers.web.ssrf_guard import host_and_port, parse_url

PAGES_AT_ONCE = 4
FULL = 100
"""Images after which a batch ends; it also ends after so many pages."""
PAGES_PER_BATCH = 12
PAGE_BYTES = 8 * 1024 * 1024
PAGE_TYPES = ("text/", "application/", "image/")
MOST_PAGES, DEEPEST = 10_000, 20


@dataclass
class Walk:
    """Where a walk stands: pages to visit with their distance from a start, and all ever planned."""

    left: dict[str, int]
    planned: set[str]
    hosts: set[str]
    visited: int = 0

    @classmethod
    def begun(cls, wanted: SourceQuery, cursor: SearchCursor | None) -> "Walk":
        """From the starts, or from where it stood."""
        if cursor is not None:
            return cls(
                dict(cursor["left"]), set(cursor["planned"]), set(cursor["hosts"]), int(cursor["visited"])
            )
        starts = [str(parse_url(address)) for address in wanted.addresses]
        return cls(dict.fromkeys(starts, 0), set(starts), {_host(start) for start in starts})

    def cursor(self) -> SearchCursor | None:
        """What `begun` goes on from; None at the end."""
        if not self.left:
            return None
        return {
            "left": list(self.left.items()),
            "planned": sorted(self.planned),
            "hosts": sorted(self.hosts),
            "visited": self.visited,
        }

    def take(self, most: int) -> list[tuple[str, int]]:
        """The next pages, nearest to the starts first."""
        taken = list(islice(self.left.items(), most))
        for page, _ in taken:
            del self.left[page]
        self.visited += len(taken)
        return taken

    def plan(self, links: Iterable[str], depth: int, wanted: SourceQuery) -> None:
        """Visit these too, as far as they are on the same hosts and within the walk's bounds."""
        if depth > wanted.depth:
            return
        for link in links:
            if len(self.planned) >= wanted.pages:
                return
            with suppress(FetchError):
                page = str(parse_url(link))
                if page not in self.planned and _host(page) in self.hosts:
                    self.planned.add(page)
                    self.left[page] = depth


@dataclass(frozen=True)
class Visit:
    """What a page gave."""

    images: tuple[ImageCandidate, ...] = ()
    links: tuple[str, ...] = ()
    refusal: FetchError | None = None
    url: str = ""
    """Where the page really was."""


@dataclass
class Gathered:
    """What the pages of a batch gave."""

    images: list[ImageCandidate] = field(default_factory=list)
    refusals: list[tuple[str, FetchError]] = field(default_factory=list)


class SiteCrawler(AddressSource):
    """Pages of the hosts that it starts from, nearest first, and the images that they show or link to."""

    kind = SourceKind.SITE

    def validate(self, wanted: SourceQuery) -> str | None:
        """Also bounds that are none."""
        if not 1 <= wanted.pages <= MOST_PAGES:
            return f"A walk has 1 to {MOST_PAGES} pages."
        if not 0 <= wanted.depth <= DEEPEST:
            return f"A walk goes 0 to {DEEPEST} links deep."
        return super().validate(wanted)

    async def search(self, wanted: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """The images of the next pages. Raises the refusal where no start can be read."""
        walk, gathered = Walk.begun(wanted, cursor), Gathered()
        visits = 0
        while walk.left and len(gathered.images) < FULL and visits < PAGES_PER_BATCH:
            pages = walk.take(PAGES_AT_ONCE)
            visits += len(pages)
            answers = await asyncio.gather(*(self._visit(page) for page, _ in pages))
            for (page, depth), visit in zip(pages, answers, strict=True):
                if visit.refusal is not None:
                    gathered.refusals.append((page, visit.refusal))
                    continue
                if depth == 0:
                    walk.hosts.add(_host(visit.url))
                gathered.images.extend(visit.images)
                walk.plan(visit.links, depth + 1, wanted)
        if walk.visited == visits == len(gathered.refusals):
            raise gathered.refusals[0][1]
        refusals = tuple((page, refusal.message) for page, refusal in gathered.refusals)
        return CandidateBatch(once(gathered.images), walk.cursor(), refusals)

    async def _visit(self, page: str) -> Visit:
        if is_image_name(page):
            return Visit((ImageCandidate(page),), url=page)
        try:
            answer = await self._fetcher.read(page, limit=PAGE_BYTES, accept=PAGE_TYPES)
            return await self.parsed(_read, answer)
        except FetchError as refusal:
            return Visit(refusal=refusal)


def _read(answer: FetchResponse) -> Visit:
    if answer.media_type.startswith("image/"):
        return Visit((ImageCandidate(answer.url),), url=answer.url)
    if is_listing(answer.content):
        listing = read_sitemap(answer.content, answer.url)
        return Visit(listing.images, listing.links, url=answer.url)
    page = read_page(answer.content, answer.url, answer.headers)
    return Visit(page.images, page.links, url=answer.url)


def _host(url: str) -> str:
    return host_and_port(parse_url(url))
