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
ANSWER_BYTES = 5 * 1024 * 1024
"""Of one answer of a search engine or a programming interface."""
LONGEST_KEYWORD, MOST_ADDRESSES = 200, 100_000


class Source:
    """A source whose candidates are fetched from where they are."""

    kind: SourceKind
    lends_files = False
    """Whether the source itself hands out the files, for machines to take; other hosts have wishes."""

    def __init__(self, fetcher: Fetcher, settings: Settings) -> None:
        self._fetcher, self._settings = fetcher, settings
        self._reading = asyncio.Lock()

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
            robots=not self.lends_files,
        )

    async def parsed(self, read: Callable[[FetchResponse], T], answer: FetchResponse) -> T:
        """Read an answer beside the event loop, one at a time: a tree takes 30 times its text."""
        async with self._reading:
            return await asyncio.to_thread(read, answer)


class KeywordSource(Source):
    """A source that answers keywords in pages, as a document for each page."""

    name: str
    """As people know it."""
    headers: dict[str, str] = {}  # noqa: RUF012

    def validate(self, wanted: SourceQuery) -> str | None:
        """Whether there is a keyword."""
        if not wanted.keyword.strip():
            return f"{self.name} is asked for a keyword."
        if len(wanted.keyword) > LONGEST_KEYWORD:
            return f"A keyword has {LONGEST_KEYWORD} characters at most."
        return None

    async def search(self, wanted: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """A page of what it answers. A source that refuses to go on has given all that it gives."""
        try:
            answer = await self.ask(self.address(wanted.keyword, cursor or {}))
            return self.understood(answer, cursor or {})
        except FetchError as refusal:
            if cursor is None or refusal.is_transient:
                raise
            return CandidateBatch((), None, ((self.name, refusal.message),))

    async def ask(self, url: str) -> bytes:
        """What the source answers. Raises `Refused`."""
        headers = {**self.headers, **self.credentials()}
        return (await self._fetcher.read(url, limit=ANSWER_BYTES, headers=headers, robots=False)).content

    def credentials(self) -> dict[str, str]:
        """Headers that hold a key."""
        return {}

    def address(self, keyword: str, cursor: SearchCursor) -> str:
        """Where the page is that the cursor leads to."""
        raise NotImplementedError

    def read(self, content: bytes, cursor: SearchCursor) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """A page's candidates, and where the next page is. Raises `ValueError` for what is no such page."""
        raise NotImplementedError

    def understood(self, content: bytes, cursor: SearchCursor) -> CandidateBatch:
        """What a page says. Raises `Refused` where it can't be read."""
        try:
            found, following = self.read(content, cursor)
            return CandidateBatch(once(found), following)
        except (ValueError, LookupError, TypeError) as error:
            raise FetchError(FetchErrorCode.INVALID_ANSWER, f"What {self.name} answered can't be read.") from error


class AddressSource(Source):
    """A source that is given addresses."""

    def validate(self, wanted: SourceQuery) -> str | None:
        """Whether there are addresses, and which of them can't be one."""
        if not wanted.addresses:
            return "Addresses are wanted."
        if len(wanted.addresses) > MOST_ADDRESSES:
            return f"There are more than {MOST_ADDRESSES} addresses."
        for address in wanted.addresses:
            try:
                parse_url(address)
            except FetchError as refusal:
                return f"{address[:200]}: {refusal.message}"
        return None


def once(found: Iterable[ImageCandidate]) -> tuple[ImageCandidate, ...]:
    """Candidates with addresses of the web, each address once."""
    told: dict[str, ImageCandidate] = {}
    for each in found:
        if each.url.startswith(("http://", "https://")):
            told.setdefault(each.url, each)
    return tuple(told.values())
