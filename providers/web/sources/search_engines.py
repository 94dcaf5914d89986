"""Search engines, by the pages that they show to people.

What these look like changes without notice; what can't be read any more is refused, not guessed.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlencode, urljoin

import orjson
from pydantic import BaseModel, Field

from core.ports import CandidateBatch, SearchCursor, ImageCandidate, FetchErrorCode, FetchError, SourceKind, SourceQuery
from providers.web.html_pages import normalize_text, parse_html, plain_text
from providers.web.sources.base import KeywordSource

DEFAULT_HEADERS = {"Accept-Language": "en"}
MAX_RESULTS = 1000
"""Results that an engine shows at most."""


class SearchEngine(KeywordSource):
    """An engine whose robots.txt asks machines to leave its results alone."""

    headers = DEFAULT_HEADERS

    @property
    def missing_setting(self) -> str | None:
        """The operator's consent."""
        if self.kind.value in self._settings.crawl_engines:
            return None
        return f"{self.name} is not parameters here: CRAWL_ENGINES does not name {self.kind.value}."

    def parse_batch(self, content: bytes, cursor: SearchCursor) -> CandidateBatch:
        """A page's candidates. A first page without any is refused: it may show them in a new way."""
        batch = super().parse_batch(content, cursor)
        if not batch.candidates and not cursor.keys() & {"page", "first"}:
            raise FetchError(
                FetchErrorCode.INVALID_ANSWER, f"{self.name} shows no images, or in a way that can't be read."
            )
        return batch


class BingResult(BaseModel):
    """What Bing's page knows of one image."""

    image: str = Field(alias="murl")
    page: str | None = Field(None, alias="purl")
    title: str = Field("", alias="t")


class Bing(SearchEngine):
    """A page of results is HTML; each result carries what is known of it as JSON."""

    kind, name = SourceKind.BING, "Bing"
    endpoint = "https://www.bing.com/images/async"
    per_page = 35

    def page_url(self, keyword: str, cursor: SearchCursor) -> str:
        """Results from the cursor's first."""
        parameters = {"q": keyword, "first": cursor.get("first", 1), "count": self.per_page, "mmasync": 1}
        return f"{self.endpoint}?{urlencode(parameters)}"

    def parse(self, content: bytes, cursor: SearchCursor) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """Every result's `m` attribute."""
        root = parse_html(content, {"content-type": "text/html; charset=utf-8"})
        carried = [] if root is None else root.xpath("//a[contains(@class, 'iusc')]/@m")
        results = [BingResult.model_validate_json(str(each)) for each in carried]
        candidates = [
            ImageCandidate(result.image, page_url=result.page, caption=plain_text(result.title)) for result in results
        ]
        first = cursor.get("first", 1) + len(results)
        return candidates, {"first": first} if results and first <= MAX_RESULTS else None


class Google(SearchEngine):
    """A page of results is HTML whose scripts hold thumbnails and originals with their sizes."""

    kind, name = SourceKind.GOOGLE, "Google"
    endpoint = "https://www.google.com/search"
    per_page = 100
    image_pattern = re.compile(r'\[\s*"(https?:(?:[^"\\]|\\.)+)"\s*,\s*(\d+)\s*,\s*(\d+)\s*[,\]]')
    google_host_pattern = re.compile(r"https?://(?:[\w-]+\.)*(?:gstatic|google|googleusercontent|ggpht)\.\w+/")

    def page_url(self, keyword: str, cursor: SearchCursor) -> str:
        """A page by its number."""
        page = cursor.get("page", 0)
        parameters = {"q": keyword, "tbm": "isch", "ijn": page, "start": page * self.per_page, "hl": "en"}
        return f"{self.endpoint}?{urlencode(parameters)}"

    def parse(self, content: bytes, cursor: SearchCursor) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """Everything with a size that is not Google's own."""
        text = content.decode("utf-8", "replace")
        page = cursor.get("page", 0)
        candidates = [
            ImageCandidate(url, height=int(height), width=int(width))
            for written, height, width in self.image_pattern.findall(text)
            if not self.google_host_pattern.match(url := orjson.loads(f'"{written}"'))
        ]
        return candidates, {"page": page + 1} if found and (page + 1) * self.per_page < MAX_RESULTS else None


class DuckDuckGoResult(BaseModel):
    """An image, and the page that it is on."""

    image: str
    page: str | None = Field(None, alias="url")
    title: str = ""
    width: int | None = None
    height: int | None = None


class DuckDuckGoPage(BaseModel):
    """One page of results; `following` leads on."""

    results: list[DuckDuckGoResult]
    next_page: str | None = Field(None, alias="next")


class DuckDuckGo(SearchEngine):
    """A first page gives a ticket, with which results are answered as JSON."""

    kind, name = SourceKind.DUCKDUCKGO, "DuckDuckGo"
    endpoint = "https://duckduckgo.com/"
    token_pattern = re.compile(rb"vqd=[\"']?([\w-]{10,200})")

    async def search(self, query: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """A page of results; before the first, the ticket."""
        if cursor is not None:
            return await super().search(query, cursor)
        parameters = {"q": query.keyword, "iax": "images", "ia": "images"}
        token = self.token_pattern.search(await self.fetch(f"{self.endpoint}?{urlencode(parameters)}"))
        if token is None:
            raise FetchError(FetchErrorCode.INVALID_ANSWER, f"What {self.name} answered can't be read.")
        first_cursor = {"ticket": token[1].decode()}
        return self.parse_batch(await self.fetch(self.page_url(query.keyword, first_cursor)), first_cursor)

    def page_url(self, keyword: str, cursor: SearchCursor) -> str:
        """Results from the cursor's first."""
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

    def parse(self, content: bytes, cursor: SearchCursor) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """Every result."""
        answer = DuckDuckGoPage.model_validate_json(content)
        candidates = [
            ImageCandidate(
                result.image,
                page_url=result.page,
                caption=normalize_text(result.title),
                width=result.width,
                height=result.height,
            )
            for result in answer.results
        ]
        first = cursor.get("first", 0) + len(found)
        goes_on = bool(found) and bool(answer.next_page) and first < MAX_RESULTS
        return candidates, {"ticket": cursor["ticket"], "first": first} if goes_on else None
