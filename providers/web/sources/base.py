"""Base classes of image sources."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from core.ports import (
    CandidateBatch,
    Fetcher,
    FetchError,
    FetchErrorCode,
    FetchResponse,
    ImageCandidate,
    SearchCursor,
    SourceKind,
    SourceQuery,
)
from core.settings import Settings
from providers.web.ssrf_guard import parse_url

T = TypeVar("T")

IMAGE_TYPES = ("image/",)
MAX_RESPONSE_BYTES = 5 * 1024 * 1024
"""Maximum response of a search engine, an API or a feed."""
MAX_KEYWORD_LENGTH, MAX_URLS = 200, 100_000


class Source:
    """A source whose candidates are downloaded from their own hosts."""

    kind: SourceKind
    ignores_robots = False
    """Whether downloads skip robots.txt because the source's API terms permit them."""

    def __init__(self, fetcher: Fetcher, settings: Settings) -> None:
        self._fetcher, self._settings = fetcher, settings
        self._parsing = asyncio.Lock()

    @property
    def missing_setting(self) -> str | None:
        """None: no setting is required."""
        return None

    async def download(
        self,
        url: str,
        path: Path,
        *,
        limit: int,
        etag: str | None = None,
        last_modified: str | None = None,
        session: str = "",
        referer: str | None = None,
    ) -> FetchResponse:
        """Downloads from the candidate's host, with its robots.txt unless `ignores_robots`."""
        return await self._fetcher.download(
            url,
            path,
            limit=limit,
            accept=IMAGE_TYPES,
            etag=etag,
            last_modified=last_modified,
            robots=not self.ignores_robots,
            session=session,
            referer=referer,
        )

    async def parse_response(self, parse: Callable[[FetchResponse], T], response: FetchResponse) -> T:
        """Parses a response in a thread, one at a time, as a document tree takes 30 times its text."""
        async with self._parsing:
            return await asyncio.to_thread(parse, response)


class KeywordSource(Source):
    """A source that is searched by keyword, page by page."""

    name: str
    """Display name, for error messages."""
    headers: dict[str, str] = {}  # noqa: RUF012

    def validate(self, query: SourceQuery) -> str | None:
        """Requires a keyword of limited length."""
        if not query.keyword.strip():
            return f"{self.name} requires a keyword."
        if len(query.keyword) > MAX_KEYWORD_LENGTH:
            return f"keyword must be at most {MAX_KEYWORD_LENGTH} characters (got {len(query.keyword)})."
        return None

    async def search(self, query: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """One page of results. A permanent error after the first page ends the search."""
        try:
            content = await self.fetch(self.page_url(query.keyword, cursor or {}))
            return self.parse_batch(content, cursor or {})
        except FetchError as error:
            if cursor is None or error.is_transient:
                raise
            return CandidateBatch((), None, ((self.name, error.message),))

    async def fetch(self, url: str) -> bytes:
        """The response body for a URL of the source. Raises `FetchError`."""
        headers = {**self.headers, **self.credentials()}
        return (
            await self._fetcher.read(url, limit=MAX_RESPONSE_BYTES, headers=headers, robots=False)
        ).content

    def credentials(self) -> dict[str, str]:
        """Headers with the API key."""
        return {}

    def page_url(self, keyword: str, cursor: SearchCursor) -> str:
        """URL of the page at the cursor."""
        raise NotImplementedError

    def parse(
        self, content: bytes, cursor: SearchCursor
    ) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """The candidates of a page and the cursor of the next. Raises `ValueError` for other documents."""
        raise NotImplementedError

    def parse_batch(self, content: bytes, cursor: SearchCursor) -> CandidateBatch:
        """The batch of a page. Raises `FetchError` if it cannot be parsed."""
        try:
            candidates, next_cursor = self.parse(content, cursor)
            return CandidateBatch(deduplicate(candidates), next_cursor)
        except (ValueError, LookupError, TypeError) as error:
            raise FetchError(
                FetchErrorCode.INVALID_ANSWER, f"The response of {self.name} cannot be parsed."
            ) from error


class UrlSource(Source):
    """A source that takes URLs."""

    def validate(self, query: SourceQuery) -> str | None:
        """Requires valid URLs."""
        if not query.urls:
            return "At least one URL is required."
        if len(query.urls) > MAX_URLS:
            return f"At most {MAX_URLS} URLs are allowed (got {len(query.urls)})."
        for url in query.urls:
            try:
                parse_url(url)
            except FetchError as error:
                return f"{url[:200]}: {error.message}"
        return None


def deduplicate(candidates: Iterable[ImageCandidate]) -> tuple[ImageCandidate, ...]:
    """The distinct candidates with `http` or `https` URLs."""
    by_url: dict[str, ImageCandidate] = {}
    for candidate in candidates:
        if candidate.url.startswith(("http://", "https://")):
            by_url.setdefault(candidate.url, candidate)
    return tuple(by_url.values())
