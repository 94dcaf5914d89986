"""HTTP transports of streamed responses."""

from collections.abc import Mapping

from strawberry.http.streaming import HTTPStreamTransport, MultipartSubscriptionTransport, SSETransport


def transports(heartbeat_seconds: float) -> Mapping[str, HTTPStreamTransport]:
    """Transports of subscriptions by Strawberry's protocol name."""
    events, multipart = LineFeedEvents(heartbeat_seconds), MultipartSubscriptionTransport()
    multipart.heartbeat_interval = heartbeat_seconds
    return {"sse": events, "multipart-subscription": multipart}


class LineFeedEvents(SSETransport):
    """Server-sent events with LF line endings, as urql requires."""

    def encode_event(self, event: str, data: str | None = None) -> str:
        """Encodes one event; `data` is one line of JSON."""
        return super().encode_event(event, data).replace("\r\n", "\n")

    def encode_comment(self, comment: str) -> str:
        """Encodes a comment line, which keeps the connection open."""
        return super().encode_comment(comment).replace("\r\n", "\n")
