"""Transport limits of the GraphQL endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TransportLimits:
    """Limits of bodies, sockets and streams."""

    json_bytes: int = 1_000_000
    """Maximum size of a JSON body."""
    multipart_bytes: int = 71_000_000
    """Maximum size of a multipart body, including its files."""
    multipart_files: int = 10
    json_space: int = 64_000_000
    """Maximum total size of the JSON bodies of all requests."""
    multipart_space: int = 300_000_000
    """Maximum total size of the multipart bodies of all requests, which are stored on disk."""
    body_seconds: float = 20
    """Time to receive a JSON body, or the next part of a multipart body."""
    frame_characters: int = 1_000_000
    """Maximum length of a WebSocket message."""
    init_seconds: float = 10
    """Timeout from opening a socket to its `connection_init`."""
    recheck_seconds: float = 15
    """Interval at which the access of a socket's viewer is rechecked."""
    expiry_warning_seconds: float = 60
    """Time before the expiry of a token at which the client of a socket is warned; at most half its life."""
    heartbeat_seconds: float = 12
    """Interval of heartbeats on HTTP streams."""
    socket_operations: int = 100
    """Maximum concurrent operations per socket."""
    persisted_characters: int = 2_000_000
    """Maximum total size of automatically persisted documents; the least recently used are evicted."""
    trusted_documents: Mapping[str, str] | None = None
    """Allowed documents by hexadecimal SHA-256; None allows all documents."""
    allowed_origins: tuple[str, ...] = ()
    """Origins, besides the server's own, that may open sockets."""
