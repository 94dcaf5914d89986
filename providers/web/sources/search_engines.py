"""Search engines without an API: Bing, Google and DuckDuckGo, by parsing their result pages.

Pages whose format has changed raise `FetchError`.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlencode, urljoin

import orjson
from pydantic import BaseModel, Field

from core.ports import (
    CandidateBatch,
    FetchError,
    FetchErrorCode,
    ImageCandidate,
    SearchCursor,
    SourceKind,
    SourceQuery,
)
from providers.web.html_pages import normalize_text, parse_html, plain_text
from providers.web.sources.base import KeywordSource

DEFAULT_HEADERS = {"Accept-Language": "en"}
MAX_RESULTS = 1000
"""Maximum results of one search."""


class SearchEngine(KeywordSource):
    """A search engine whose robots.txt disallows its result pages: it must be enabled in the settings."""

    headers = DEFAULT_HEADERS

    @property
    def missing_setting(self) -> str | None:
        """Requires the engine in `CRAWL_ENGINES`."""
        if self.kind.value in self._settings.crawl_engines:
            return None
        return f"{self.name} is not enabled: CRAWL_ENGINES does not contain {self.kind.value}."

    def parse_batch(self, content: bytes, cursor: SearchCursor) -> CandidateBatch:
        """The batch of a page. Raises `FetchError` for an empty first page: its format may have changed."""
        batch = super().parse_batch(content, cursor)
        if not batch.candidates and not cursor.keys() & {"page", "first"}:
            raise FetchError(
                FetchErrorCode.INVALID_ANSWER,
                f"{self.name} returned no images, or its page format has changed.",
            )
        return batch


class BingResult(BaseModel):
    """Metadata of one result."""

    image: str = Field(alias="murl")
    page: str | None = Field(None, alias="purl")
    title: str = Field("", alias="t")


class Bing(SearchEngine):
    """Bing: an HTML page with the metadata of each result as JSON."""

    kind, name = SourceKind.BING, "Bing"
    endpoint = "https://www.bing.com/images/async"
    per_page = 35

    def page_url(self, keyword: str, cursor: SearchCursor) -> str:
        """URL of the results from position `first`."""
        parameters = {"q": keyword, "first": cursor.get("first", 1), "count": self.per_page, "mmasync": 1}
        return f"{self.endpoint}?{urlencode(parameters)}"

    def parse(
        self, content: bytes, cursor: SearchCursor
    ) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """Reads the `m` attributes of the results."""
        root = parse_html(content, {"content-type": "text/html; charset=utf-8"})
        attributes = [] if root is None else root.xpath("//a[contains(@class, 'iusc')]/@m")
        results = [BingResult.model_validate_json(str(attribute)) for attribute in attributes]
        candidates = [
            ImageCandidate(result.image, page_url=result.page, caption=plain_text(result.title))
            for result in results
        ]
        first = cursor.get("first", 1) + len(results)
        return candidates, {"first": first} if results and first <= MAX_RESULTS else None


class Google(SearchEngine):
    """Google: an HTML page whose scripts contain thumbnails and originals with their sizes."""

    kind, name = SourceKind.GOOGLE, "Google"
    endpoint = "https://www.google.com/search"
    per_page = 100
    image_pattern = re.compile(r'\[\s*"(https?:(?:[^"\\]|\\.)+)"\s*,\s*(\d+)\s*,\s*(\d+)\s*[,\]]')
    google_host_pattern = re.compile(
        r"https?://(?:[\w-]+\.)*(?:gstatic|google|googleusercontent|ggpht)\.\w+/"
    )

    def page_url(self, keyword: str, cursor: SearchCursor) -> str:
        """URL of a page by number."""
        page = cursor.get("page", 0)
        parameters = {"q": keyword, "tbm": "isch", "ijn": page, "start": page * self.per_page, "hl": "en"}
        return f"{self.endpoint}?{urlencode(parameters)}"

    def parse(
        self, content: bytes, cursor: SearchCursor
    ) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """Image URLs with a size, except those on Google's hosts."""
        text = content.decode("utf-8", "replace")
        page = cursor.get("page", 0)
        candidates = [
            ImageCandidate(url, height=int(height), width=int(width))
            for escaped, height, width in self.image_pattern.findall(text)
            if not self.google_host_pattern.match(url := orjson.loads(f'"{escaped}"'))
        ]
        return candidates, {"page": page + 1} if candidates and (
            page + 1
        ) * self.per_page < MAX_RESULTS else None


class DuckDuckGoResult(BaseModel):
    """An image and its page."""

    image: str
    page: str | None = Field(None, alias="url")
    title: str = ""
    width: int | None = None
    height: int | None = None


class DuckDuckGoPage(BaseModel):
    """A page of results; `next_page` is the URL of the next one."""

    results: list[DuckDuckGoResult]
    next_page: str | None = Field(None, alias="next")


class DuckDuckGo(SearchEngine):
    """DuckDuckGo: the first page contains a token, with which results are returned as JSON."""

    kind, name = SourceKind.DUCKDUCKGO, "DuckDuckGo"
    endpoint = "https://duckduckgo.com/"
    token_pattern = re.compile(rb"vqd=[\"']?([\w-]{10,200})")

    async def search(self, query: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """One page of results; fetches the token first."""
        if cursor is not None:
            return await super().search(query, cursor)
        parameters = {"q": query.keyword, "iax": "images", "ia": "images"}
        token = self.token_pattern.search(await self.fetch(f"{self.endpoint}?{urlencode(parameters)}"))
        if token is None:
            raise FetchError(FetchErrorCode.INVALID_ANSWER, f"The response of {self.name} cannot be parsed.")
        first_cursor = {"ticket": token[1].decode()}
        return self.parse_batch(await self.fetch(self.page_url(query.keyword, first_cursor)), first_cursor)

    def page_url(self, keyword: str, cursor: SearchCursor) -> str:
        """URL of the results from position `first`."""
        parameters = {
            "l": "us-en",
            "o": "json",
            "q": keyword,
            "vqd": cursor["ticket"],
            "f": ",,,",
            "p": 1,
            "s": cursor.get("first", 0),
        }
        return urljoin(self.endpoint, f"i.js?{urlencode(parameters)}")

    def parse(
        self, content: bytes, cursor: SearchCursor
    ) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """All results of the page."""
        page = DuckDuckGoPage.model_validate_json(content)
        candidates = [
            ImageCandidate(
                result.image,
                page_url=result.page,
                caption=normalize_text(result.title),
                width=result.width,
                height=result.height,
            )
            for result in page.results
        ]
        first = cursor.get("first", 0) + len(candidates)
        has_more = bool(candidates) and bool(page.next_page) and first < MAX_RESULTS
        return candidates, {"ticket": cursor["ticket"], "first": first} if has_more else None
