"""What all sources have in common."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from core.ports import CandidateBatch, SearchCursor, FetchResponse, Fetcher, ImageCandidate, FetchErrorCode, FetchError, SourceKind, SourceQuery
from core.settings import Settings
from providers.web.ssrf_guard import parse_url

T = TypeVar("T")

IMAGE_TYPES = ("image/",)
MAX_RESPONSE_BYTES = 5 * 1024 * 1024
"""Of one answer of a search engine or a programming interface."""
MAX_KEYWORD_LENGTH, MAX_URLS = 200, 100_000


class Source:
    """A source whose candidates are fetched from where they are."""

    kind: SourceKind
    ignores_robots = False
    """Whether the source itself hands out the files, for machines to take; other hosts have wishes."""

    def __init__(self, fetcher: Fetcher, settings: Settings) -> None:
        self._fetcher, self._settings = fetcher, settings
        self._parsing = asyncio.Lock()

    @property
    def missing_setting(self) -> str | None:
        """Nothing, unless a source says otherwise."""
        return None

    async def download(
        self, url: str, path: Path, *, limit: int, etag: str | None = None, last_modified: str | None = None
    ) -> FetchResponse:
        """From its host, by the robots.txt there unless the source hands it out."""
        return await self._fetcher.download(
            url,
            path,
            limit=limit,
            accept=IMAGE_TYPES,
            etag=etag,
            last_modified=last_modified,
            robots=not self.ignores_robots,
        )

    async def parse_response(self, parse: Callable[[FetchResponse], T], response: FetchResponse) -> T:
        """Read an answer beside the event loop, one at a time: a tree takes 30 times its text."""
        async with self._parsing:
            return await asyncio.to_thread(parse, response)


class KeywordSource(Source):
    """A source that answers keywords in pages, as a document for each page."""

    name: str
    """As people know it."""
    headers: dict[str, str] = {}  # noqa: RUF012

    def validate(self, query: SourceQuery) -> str | None:
        """Whether there is a keyword."""
        if not query.keyword.strip():
            return f"{self.name} is asked for a keyword."
        if len(query.keyword) > MAX_KEYWORD_LENGTH:
            return f"A keyword has {MAX_KEYWORD_LENGTH} characters at most."
        return None

    async def search(self, query: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """A page of what it answers. A source that refuses to go on has given all that it gives."""
        try:
            content = await self.fetch(self.page_url(query.keyword, cursor or {}))
            return self.parse_batch(content, cursor or {})
        except FetchError as error:
            if cursor is None or error.is_transient:
                raise
            return CandidateBatch((), None, ((self.name, error.message),))

    async def fetch(self, url: str) -> bytes:
        """What the source answers. Raises `FetchError`."""
        headers = {**self.headers, **self.credentials()}
        return (await self._fetcher.read(url, limit=MAX_RESPONSE_BYTES, headers=headers, robots=False)).content

    def credentials(self) -> dict[str, str]:
        """Headers that hold a key."""
        return {}

    def page_url(self, keyword: str, cursor: SearchCursor) -> str:
        """Where the page is that the cursor leads to."""
        raise NotImplementedError

    def parse(self, content: bytes, cursor: SearchCursor) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """A page's candidates, and where the next page is. Raises `ValueError` for what is no such page."""
        raise NotImplementedError

    def parse_batch(self, content: bytes, cursor: SearchCursor) -> CandidateBatch:
        """What a page says. Raises `FetchError` where it can't be read."""
        try:
            candidates, next_cursor = self.parse(content, cursor)
            return CandidateBatch(deduplicate(candidates), next_cursor)
        except (ValueError, LookupError, TypeError) as error:
            raise FetchError(FetchErrorCode.INVALID_ANSWER, f"What {self.name} answered can't be read.") from error


class UrlSource(Source):
    """A source that is given addresses."""

    def validate(self, query: SourceQuery) -> str | None:
        """Whether there are addresses, and which of them can't be one."""
        if not query.addresses:
            return "Addresses are wanted."
        if len(query.addresses) > MAX_URLS:
            return f"There are more than {MAX_URLS} addresses."
        for url in query.addresses:
            try:
                parse_url(url)
            except FetchError as error:
                return f"{url[:200]}: {error.message}"
        return None


def deduplicate(candidates: Iterable[ImageCandidate]) -> tuple[ImageCandidate, ...]:
    """Candidates with addresses of the web, each address once."""
    by_url: dict[str, ImageCandidate] = {}
    for candidate in candidates:
        if candidate.url.startswith(("http://", "https://")):
            by_url.setdefault(candidate.url, candidate)
    return tuple(by_url.values())
