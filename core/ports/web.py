"""HTTP fetching of public URLs, and image sources of crawls."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol


class FetchErrorCode(Enum):
    """Reason for which a URL could not be fetched."""

    BAD_ADDRESS = "BAD_ADDRESS"
    """The URL is invalid, not `http` or `https`, has credentials, or a port that is not allowed."""
    FORBIDDEN_ADDRESS = "FORBIDDEN_ADDRESS"
    """The host is in a private network or on the deny list."""
    FORBIDDEN_BY_ROBOTS = "FORBIDDEN_BY_ROBOTS"
    UNKNOWN_HOST = "UNKNOWN_HOST"
    UNREACHABLE = "UNREACHABLE"
    UNTRUSTED = "UNTRUSTED"
    """The server's certificate is not valid for its host name."""
    CONNECTION_LOST = "CONNECTION_LOST"
    TIMED_OUT = "TIMED_OUT"
    TOO_LARGE = "TOO_LARGE"
    TOO_MANY_REDIRECTS = "TOO_MANY_REDIRECTS"
    WRONG_TYPE = "WRONG_TYPE"
    """The media type is not one of those requested."""
    NOT_FOUND = "NOT_FOUND"
    NOT_PERMITTED = "NOT_PERMITTED"
    """The server requires credentials, or rejects those that were sent."""
    THROTTLED = "THROTTLED"
    SERVER_ERROR = "SERVER_ERROR"
    INVALID_ANSWER = "INVALID_ANSWER"
    """The response violates HTTP, its content encoding, or its media type."""


class FetchError(Exception):
    """A URL could not be fetched. The message is for users and contains no key and nothing of the response.

    `is_transient` says that the request may be retried, after at least `retry_after` seconds. The retries of
    the settings have been used up. `is_sent` is false if the request was not sent, as the host asked for a
    pause before.
    """

    def __init__(
        self,
        code: FetchErrorCode,
        message: str,
        *,
        is_transient: bool = False,
        retry_after: float = 0,
        is_sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.code, self.message = code, message
        self.is_transient, self.retry_after, self.is_sent = is_transient, retry_after, is_sent


@dataclass(frozen=True)
class FetchResponse:
    """A response: `url` after redirects, `headers` by lower-case name, `size` in bytes after decoding.

    `content` is empty for downloads to a file.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    size: int = 0
    content: bytes = b""

    @property
    def is_not_modified(self) -> bool:
        """Whether the content still matches the request's `etag` or `last_modified` and was not sent."""
        return self.status == 304

    @property
    def media_type(self) -> str:
        """The media type in lower case, without parameters; empty if the server sends none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def etag(self) -> str | None:
        """Entity tag, for the next conditional request."""
        return self.headers.get("etag")

    @property
    def last_modified(self) -> str | None:
        """Modification time as sent by the server, for the next conditional request."""
        return self.headers.get("last-modified")


class Fetcher(Protocol):
    """Fetches public URLs within limits, with rate limits, robots.txt and an SSRF guard.

    Methods raise `FetchError` and may be called concurrently. They retry transient errors; callers must not.
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
        session: str = "",
        referer: str | None = None,
    ) -> FetchResponse:
        """Fetches at most `limit` bytes into `content`.

        `accept` are prefixes of allowed media types, such as `image/`; a missing type and
        `application/octet-stream` are always allowed. `headers` are sent to the first host only. `robots` is
        false for public APIs. Cookies are kept within a `session`, per host. `referer` is the page that names
        the URL.
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
        session: str = "",
        referer: str | None = None,
    ) -> FetchResponse:
        """As `read`, into a file, which is created atomically, and not if the content is not modified.

        If `accept` allows images, a file that starts like one is allowed with any media type.
        """

    async def close(self) -> None:
        """Closes the connections."""


ReserveSlot = Callable[[str, float], Awaitable[float]]
"""Reserves the next request to a host (`name:port`) at an interval in seconds. Returns the time to wait."""


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
        """Whether the source is searched by keyword; the others take URLs."""
        return self not in (SourceKind.SITE, SourceKind.URLS, SourceKind.FEED, SourceKind.S3)


@dataclass(frozen=True)
class SourceQuery:
    """A query to an image source: a keyword, or URLs.

    `site` takes start pages or sitemaps, `urls` image URLs, `feed` feed URLs, and `s3` `s3://bucket/prefix`.
    `pages` and `depth` (in links from a start page) limit the crawl of a site.
    """

    keyword: str = ""
    urls: tuple[str, ...] = ()
    max_pages: int = 1000
    max_depth: int = 3
    session: str = ""
    """Crawl whose cookies are sent."""


@dataclass(frozen=True)
class ImageCandidate:
    """An image that a source has found, identified by its absolute `url`.

    The metadata is the source's and unverified: `licence` is a name or a URL, sizes are in pixels.
    """

    url: str
    page_url: str | None = None
    licence: str | None = None
    attribution: str | None = None
    caption: str | None = None
    width: int | None = None
    height: int | None = None


SearchCursor = Mapping[str, Any]
"""Position of a search as JSON, from which another process can continue."""


class SearchBound(Enum):
    """Limit that keeps a source from reading an address."""

    MAX_PAGES = "MAX_PAGES"
    MAX_DEPTH = "MAX_DEPTH"
    MAX_RESULTS = "MAX_RESULTS"
    """The source gives no further results of a search."""
    MAX_STYLE_SHEETS = "MAX_STYLE_SHEETS"


@dataclass(frozen=True)
class CandidateBatch:
    """A batch of distinct candidates; `cursor` is None in the last batch.

    `errors` are URLs that could not be read, with the reason, and `bounded` those beyond a limit; the search
    continues. It does so after `wait` seconds at the earliest.
    """

    candidates: tuple[ImageCandidate, ...]
    cursor: SearchCursor | None
    errors: tuple[tuple[str, str], ...] = ()
    bounded: tuple[tuple[str, SearchBound], ...] = ()
    wait: float = 0


class ImageSource(Protocol):
    """A source of images."""

    kind: SourceKind

    @property
    def missing_setting(self) -> str | None:
        """Error message if a required setting of the source is missing, else None."""

    def validate(self, query: SourceQuery) -> str | None:
        """Error message if the query is invalid, else None. Makes no requests."""

    async def search(self, query: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """The first batch of candidates, or the batch after `cursor`.

        A batch that is not the last may be empty. Raises `FetchError` if the source cannot be reached.
        """

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
        """Downloads a candidate of at most `limit` bytes to a file, atomically. Raises `FetchError`.

        `session` and `referer` are as in `Fetcher.read`.
        """


Sources = Mapping[SourceKind, ImageSource]
