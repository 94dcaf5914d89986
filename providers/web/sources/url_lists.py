"""Sources that are told where to look: lists of images, and feeds."""

from core.ports import CandidateBatch, SearchCursor, FetchResponse, ImageCandidate, SourceKind, SourceQuery
from providers.web.feeds import parse_feed
from providers.web.sources.base import MAX_RESPONSE_BYTES, UrlSource, deduplicate

PAGE_SIZE = 500
FEED_TYPES = ("application/", "text/")


class UrlList(UrlSource):
    """Images by their addresses."""

    kind = SourceKind.URLS

    async def search(self, query: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """The next of the addresses, as they were given."""
        start = cursor["start"] if cursor else 0
        end = start + PAGE_SIZE
        candidates = deduplicate(ImageCandidate(address) for address in query.addresses[start:end])
        return CandidateBatch(candidates, {"start": end} if end < len(query.addresses) else None)


class Feed(UrlSource):
    """RSS and Atom feeds: what is enclosed, attached, and shown in their entries."""

    kind = SourceKind.FEED

    async def search(self, query: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """The images of the next feed."""
        position = cursor["feed"] if cursor else 0
        response = await self._fetcher.read(query.addresses[position], limit=MAX_RESPONSE_BYTES, accept=FEED_TYPES)
        candidates = await self.parse_response(_parse, response)
        following = position + 1
        return CandidateBatch(candidates, {"feed": following} if following < len(query.addresses) else None)


def _parse(response: FetchResponse) -> tuple[ImageCandidate, ...]:
    return parse_feed(response.content, response.url)
