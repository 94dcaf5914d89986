"""Object storage."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    """A stored object: its size in bytes, entity tag (quoted, as in HTTP) and modification time (UTC)."""

    key: str
    size: int
    etag: str
    modified_at: datetime


class ObjectChanged(Exception):
    """The object does not match the entity tag."""


class StoreFull(Exception):
    """The store has no space left."""


class StoreUnavailable(ConnectionError):
    """The store is unavailable. A transient error."""


class ObjectStore(Protocol):
    """Objects by key, in a folder or a bucket.

    Keys consist of ASCII letters, digits, `.`, `_`, `-` and `=` in segments separated by `/`. Methods raise
    `ValueError` for other keys, `FileNotFoundError` for a missing key, and `StoreUnavailable`.
    """

    async def put(self, key: str, chunks: AsyncIterable[bytes] | bytes) -> StoredObject:
        """Stores an object atomically, replacing an existing one.

        If `chunks` raises, even at its end, nothing is stored. Raises `StoreFull`.
        """

    async def put_file(self, key: str, path: Path) -> StoredObject:
        """Stores the content of a local file."""

    async def head(self, key: str) -> StoredObject: ...

    def read(
        self, key: str, start: int = 0, end: int | None = None, *, etag: str | None = None
    ) -> AsyncIterator[bytes]:
        """Streams the bytes from `start` to `end` (exclusive).

        Raises `ObjectChanged` before the first byte if `etag` does not match.
        """

    async def fetch(self, key: str, path: Path) -> Path:
        """Downloads the object to a local file atomically."""

    async def download_url(self, key: str, seconds: int) -> str | None:
        """A signed URL to download the object; None if the store does not support signed URLs."""

    async def upload_url(self, key: str, seconds: int) -> str | None:
        """A signed URL to PUT the object; None if the store does not support signed URLs."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Deletes objects; missing keys are ignored."""

    async def copy(self, source: str, target: str) -> None: ...

    def list(self, folder: str) -> AsyncIterator[StoredObject]:
        """All objects whose key starts with `folder/`, unordered; the slash is optional."""

    async def purge_partial_writes(self, before: datetime) -> int:
        """Deletes the remains of interrupted writes that started before this time. Returns their number."""
