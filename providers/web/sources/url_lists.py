"""Sources that are told where to look: lists of images, and feeds."""

from core.ports import CandidateBatch, SearchCursor, FetchResponse, ImageCandidate, SourceKind, SourceQuery
from providers.web.feeds import read_feed
from providers.web.sources.base import ANSWER_BYTES, AddressSource, once

URLS_AT_ONCE = 500
FEED_TYPES = ("application/", "text/")


class AddressList(AddressSource):
    """Images by their addresses."""

    kind = SourceKind.URLS

    async def search(self, wanted: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """The next of the addresses, as they were given."""
        start = cursor["start"] if cursor else 0
        end = start + URLS_AT_ONCE
        found = once(ImageCandidate(address) for address in wanted.addresses[start:end])
        return CandidateBatch(found, {"start": end} if end < len(wanted.addresses) else None)


class Feed(AddressSource):
    """RSS and Atom feeds: what is enclosed, attached, and shown in their entries."""

    kind = SourceKind.FEED

    async def search(self, wanted: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """The images of the next feed."""
        position = cursor["feed"] if cursor else 0
        answer = await self._fetcher.read(wanted.addresses[position], limit=ANSWER_BYTES, accept=FEED_TYPES)
        found = await self.parsed(_read, answer)
        following = position + 1
        return CandidateBatch(found, {"feed": following} if following < len(wanted.addresses) else None)


def _read(answer: FetchResponse) -> tuple[ImageCandidate, ...]:
    return read_feed(answer.content, answer.url)
