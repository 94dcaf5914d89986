"""Content negotiation: response media types and streams that a client accepts (RFC 9110, 12.5.1)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from strawberry.http import GraphQLRequestProtocol
from strawberry.http.streaming import MultipartSubscriptionTransport

from server.graphql.headers import MAX_CACHED_LENGTH

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
EVENTS = "text/event-stream"
MULTIPART = "multipart/mixed"


@dataclass(frozen=True)
class Acceptance:
    """Acceptable responses to a request."""

    json: str | None
    """Media type of a single response; None if the client accepts none."""
    stream: GraphQLRequestProtocol | None
    """Protocol for streaming a subscription."""
    incremental: bool
    """Whether incremental delivery is accepted (`@defer`, `@stream`)."""
    html: bool
    """Whether HTML is preferred, as by browsers."""

    @classmethod
    def of(cls, header: str | None) -> "Acceptance":
        """What an `Accept` header accepts; without one, everything is accepted."""
        text = header or "*/*"
        return cls.parse(text) if len(text) > MAX_CACHED_LENGTH else parse_short(text)

    @classmethod
    def parse(cls, header: str) -> Self:
        """Parses an `Accept` header."""
        ranges = quality_by_range(header)
        graphql, json = quality(GRAPHQL, ranges), quality(JSON, ranges)
        explicit = GRAPHQL in ranges or json == 0
        single = GRAPHQL if graphql > 0 and explicit and graphql >= json else JSON if json > 0 else None
        multipart = ranges.get(MULTIPART, 0) > 0
        stream: GraphQLRequestProtocol | None = None
        if ranges.get(EVENTS, 0) > 0:
            stream = "sse"
        elif multipart and MultipartSubscriptionTransport().accepts(header.strip()):
            stream = "multipart-subscription"
        html = ranges.get("text/html", 0) > max(ranges.get(GRAPHQL, 0), ranges.get(JSON, 0))
        return cls(single, stream, multipart, html)


@lru_cache(maxsize=256)
def parse_short(header: str) -> Acceptance:
    """Parses an `Accept` header, once."""
    return Acceptance.parse(header)


def quality_by_range(header: str) -> dict[str, float]:
    """The q-value of each media range, from 0 (not acceptable) to 1; 0 if it is invalid."""
    ranges: dict[str, float] = {}
    for item in header.split(","):
        media, *parameters = (part.strip().lower() for part in item.split(";"))
        if media:
            weights = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
            ranges[media] = weight(weights[0]) if weights else 1.0
    return ranges


def weight(text: str) -> float:
    """A q-value between 0 and 1; 0 if it is invalid."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0


def quality(media: str, ranges: dict[str, float]) -> float:
    """The q-value of a media type, from the most specific range that matches it."""
    kind = media.split("/")[0]
    return next((ranges[name] for name in (media, f"{kind}/*", "*/*") if name in ranges), 0.0)
