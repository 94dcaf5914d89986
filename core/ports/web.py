"""What is taken from other people's servers: how addresses are fetched, and where images are found."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol


class FetchErrorCode(Enum):
    """Why nothing was taken from an address."""

    BAD_ADDRESS = "BAD_ADDRESS"
    """Not `http` or `https`, with a user name in it, at a port that is not allowed, or unreadable."""
    FORBIDDEN_ADDRESS = "FORBIDDEN_ADDRESS"
    """The host is in a private network, or is not to be called."""
    FORBIDDEN_BY_ROBOTS = "FORBIDDEN_BY_ROBOTS"
    UNKNOWN_HOST = "UNKNOWN_HOST"
    UNREACHABLE = "UNREACHABLE"
    UNTRUSTED = "UNTRUSTED"
    """The server's certificate is not valid for its name."""
    CONNECTION_LOST = "CONNECTION_LOST"
    TIMED_OUT = "TIMED_OUT"
    TOO_LARGE = "TOO_LARGE"
    TOO_MANY_REDIRECTS = "TOO_MANY_REDIRECTS"
    WRONG_TYPE = "WRONG_TYPE"
    """What is served says of itself that it is something else than what was asked for."""
    NOT_FOUND = "NOT_FOUND"
    NOT_PERMITTED = "NOT_PERMITTED"
    """The server wants a sign-in or a key, or refuses the one that it got."""
    THROTTLED = "THROTTLED"
    SERVER_ERROR = "SERVER_ERROR"
    INVALID_ANSWER = "INVALID_ANSWER"
    """The answer breaks HTTP, its own encoding, or the format that it is announced as."""


class FetchError(Exception):
    """Nothing was taken. The message is for a person and holds no key and nothing that the server sent.

    `passing` tells that the same request may go well later, `after` seconds from now at the earliest: it was
    tried again already, as often as the settings say.
    """

    def __init__(
        self, code: FetchErrorCode, message: str, *, is_transient: bool = False, retry_after: float = 0
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.is_transient, self.retry_after = (
            code,
            message,
            is_transient,
            retry_after,
        )


@dataclass(frozen=True)
class FetchResponse:
    """An answer: `url` after redirects, `headers` by lower-case name, `size` in bytes after decoding.

    `content` is empty where the answer went into a file.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    size: int = 0
    content: bytes = b""

    @property
    def is_not_modified(self) -> bool:
        """Whether it is still what the request's `etag` or `modified` says, and was not sent again."""
        return self.status == 304

    @property
    def media_type(self) -> str:
        """As the server says, in lower case and without parameters; empty where it does not."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def etag(self) -> str | None:
        """To be given with the next request for the same address."""
        return self.headers.get("etag")

    @property
    def last_modified(self) -> str | None:
        """To be given with the next request for the same address, as the server wrote it."""
        return self.headers.get("last-modified")


class Fetcher(Protocol):
    """Takes what is at public addresses of the web: within bounds, with manners, never from inside.

    Every method raises `Refused`, and may be called any number of times at once. What time may cure is tried
    again here; callers do not.
    """

    async def read(
        self,
        url: str,
        *,
        limit: int,
        accept: tuple[str, ...] = (),
        etag: str | None = None,
        last_modified: str | None = None,
        headers: Mapping[str, str] | None = None,
        robots: bool = True,
    ) -> FetchResponse:
        """What is there, of at most `limit` bytes, in `content`.

        `accept` are beginnings of the media types that are wanted, such as `image/`; others, but not absent
        and not `application/octet-stream`, are refused. `headers` go to the first host only. `robots` is
        false for programming interfaces that are called as their owners mean it.
        """

    async def download(
        self,
        url: str,
        path: Path,
        *,
        limit: int,
        accept: tuple[str, ...] = (),
        etag: str | None = None,
        last_modified: str | None = None,
        headers: Mapping[str, str] | None = None,
        robots: bool = True,
    ) -> FetchResponse:
        """The same into a file, which is there when it is whole, and not where the answer is `unchanged`."""

    async def close(self) -> None:
        """Close the connections."""


ReserveSlot = Callable[[str, float], Awaitable[float]]
"""Reserves the next turn at a host (`name:port`) and keeps the one after it so many seconds away.

Answers the seconds until the reserved turn. Which processes share turns is up to who counts them.
"""


class SourceKind(Enum):
    """Source in which a crawl searches for images."""

    GOOGLE = "google"
    """Google image search, by keyword."""
    BING = "bing"
    """Bing image search, by keyword."""
    DUCKDUCKGO = "duckduckgo"
    """DuckDuckGo image search, by keyword."""
    UNSPLASH = "unsplash"
    """The Unsplash API, by keyword."""
    PIXABAY = "pixabay"
    """The Pixabay API, by keyword."""
    WIKIMEDIA = "wikimedia"
    """Wikimedia Commons, by keyword."""
    OPENVERSE = "openverse"
    """The Openverse API, by keyword."""
    SITE = "site"
    """A website, crawled from a start URL."""
    URLS = "urls"
    """A list of URLs."""
    FEED = "feed"
    """An RSS or Atom feed."""
    S3 = "s3"
    """An S3 bucket."""

    @property
    def by_keyword(self) -> bool:
        """Whether it is asked for keywords; the others are given addresses."""
        return self not in (SourceKind.SITE, SourceKind.URLS, SourceKind.FEED, SourceKind.S3)


@dataclass(frozen=True)
class SourceQuery:
    """What one source is asked for: a keyword, or addresses.

    `site` takes pages or sitemaps to start from, `urls` images, `feed` feeds, and `s3` `s3://bucket/prefix`.
    `pages` and `depth` (links from a start) bound a walk through a site.
    """

    keyword: str = ""
    addresses: tuple[str, ...] = ()
    pages: int = 1000
    depth: int = 3


@dataclass(frozen=True)
class ImageCandidate:
    """A candidate, with what its source tells of it; `url` is absolute and tells it from others.

    `licence` is a name or an address, sizes are in pixels, and nothing of it has been looked at yet.
    """

    url: str
    page_url: str | None = None
    licence: str | None = None
    attribution: str | None = None
    caption: str | None = None
    width: int | None = None
    height: int | None = None


SearchCursor = Mapping[str, Any]
"""Where a search stands, as JSON: another process goes on from it."""


@dataclass(frozen=True)
class CandidateBatch:
    """Some candidates, each once; `cursor` is None after the last ones.

    `refusals` are addresses that could not be read on the way, with the reason; the search goes on.
    """

    candidates: tuple[ImageCandidate, ...]
    cursor: SearchCursor | None
    errors: tuple[tuple[str, str], ...] = ()


class ImageSource(Protocol):
    """One kind of place where images are."""

    kind: SourceKind

    @property
    def missing_setting(self) -> str | None:
        """What the installation lacks for this source, as a sentence; None where it can be used."""

    def validate(self, wanted: SourceQuery) -> str | None:
        """What is wrong with a request that can be known without asking anybody, as a sentence."""

    async def search(self, wanted: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """The next candidates: from the beginning, or from where the batch with this cursor ended.

        A batch may be empty and not the last. Raises `Refused` where the source itself can't be asked.
        """

    async def download(
        self, url: str, path: Path, *, limit: int, etag: str | None = None, last_modified: str | None = None
    ) -> FetchResponse:
        """Put a candidate of at most `limit` bytes into a file, there when whole. Raises `Refused`."""


Sources = Mapping[SourceKind, ImageSource]
