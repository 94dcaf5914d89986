"""Image sources by URL: URL lists and feeds."""

from core.ports import CandidateBatch, FetchResponse, ImageCandidate, SearchCursor, SourceKind, SourceQuery
from providers.web.feeds import parse_feed
from providers.web.sources.base import MAX_RESPONSE_BYTES, UrlSource, deduplicate

PAGE_SIZE = 500
FEED_TYPES = ("application/", "text/")


class UrlList(UrlSource):
    """A list of image URLs."""

    kind = SourceKind.URLS

    async def search(self, query: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """The next page of the URLs, in the order of the query."""
        start = cursor["start"] if cursor else 0
        end = start + PAGE_SIZE
        candidates = deduplicate(ImageCandidate(address) for address in query.urls[start:end])
        return CandidateBatch(candidates, {"start": end} if end < len(query.urls) else None)


class Feed(UrlSource):
    """RSS and Atom feeds: enclosures, media elements, and images in the HTML of their entries."""

    kind = SourceKind.FEED

    async def search(self, query: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """The images of the next feed."""
        position = cursor["feed"] if cursor else 0
        response = await self._fetcher.read(query.urls[position], limit=MAX_RESPONSE_BYTES, accept=FEED_TYPES)
        candidates = await self.parse_response(_parse, response)
        following = position + 1
        return CandidateBatch(candidates, {"feed": following} if following < len(query.urls) else None)


def _parse(response: FetchResponse) -> tuple[ImageCandidate, ...]:
    return parse_feed(response.content, response.url)
