"""Answers in several parts over HTTP."""

from collections.abc import Mapping

from strawberry.http.streaming import HTTPStreamTransport, MultipartSubscriptionTransport, SSETransport


def transports(heartbeat_seconds: float) -> Mapping[str, HTTPStreamTransport]:
    """The ways to stream a subscription, by the protocol's name in Strawberry."""
    events, multipart = LineFeedEvents(heartbeat_seconds), MultipartSubscriptionTransport()
    multipart.heartbeat_interval = heartbeat_seconds
    return {"sse": events, "multipart-subscription": multipart}


class LineFeedEvents(SSETransport):
    """Server-sent events with LF line ends: urql looks for two LF, and finds no event's end in CRLF."""

    def encode_event(self, event: str, data: str | None = None) -> str:
        """One event, `data` being one line of JSON."""
        return super().encode_event(event, data).replace("\r\n", "\n")

    def encode_comment(self, comment: str) -> str:
        """A line that clients ignore, and that keeps the connection open."""
        return super().encode_comment(comment).replace("\r\n", "\n")
