"""What the GraphQL endpoint accepts."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TransportLimits:
    """Bounds on bodies, sockets and streams."""

    json_bytes: int = 1_000_000
    """Of a JSON body."""
    multipart_bytes: int = 71_000_000
    """Of a multipart body, its files included."""
    multipart_files: int = 10
    frame_characters: int = 1_000_000
    """Of one WebSocket message."""
    init_seconds: float = 10
    """Between opening a socket and its `connection_init`."""
    recheck_seconds: float = 15
    """Between two looks at whether a socket's viewer may still be there."""
    heartbeat_seconds: float = 12
    """Of silence on a stream over HTTP."""
    socket_operations: int = 100
    """At the same time on one socket."""
    persisted_characters: int = 2_000_000
    """Of all automatically persisted documents together, the least recently used forgotten first."""
    trusted_documents: Mapping[str, str] | None = None
    """The only documents that may run, by SHA-256 in hexadecimal; None lets every document run."""
    allowed_origins: tuple[str, ...] = ()
    """Origins beside the server's own from which a page may open a socket."""
