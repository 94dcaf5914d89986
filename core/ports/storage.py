"""Where files are kept."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    """An object's size in bytes, its entity tag as HTTP writes it (quoted), and its last change (UTC)."""

    key: str
    size: int
    etag: str
    modified_at: datetime


class ObjectChanged(Exception):
    """The object is no longer the one whose entity tag was given."""


class StoreFull(Exception):
    """There is no room for more."""


class StoreUnavailable(ConnectionError):
    """The store does not answer, or not as it should: time may cure it."""


class ObjectStore(Protocol):
    """Objects by key, in a folder or a bucket.

    A key is segments of ASCII letters, digits, `.`, `_`, `-` and `=`, joined by `/`. Anything else
    raises `ValueError`, a missing key `FileNotFoundError`, and a store that fails `StoreUnavailable`.
    """

    async def put(self, key: str, chunks: AsyncIterable[bytes] | bytes) -> StoredObject:
        """Store under `key`, replacing what was there. Nothing is visible before the last byte is.

        What `chunks` raises comes out as it is, and nothing is stored: checks at its end are in time.
        Raises `StoreFull` where there is no room.
        """

    async def put_file(self, key: str, path: Path) -> StoredObject:
        """Store a local file's content under `key`."""

    async def head(self, key: str) -> StoredObject: ...

    def read(
        self, key: str, start: int = 0, end: int | None = None, *, etag: str | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end`, in chunks of bounded size.

        Raises `ObjectChanged` before the first byte where an `etag` is given and is no longer the object's.
        """

    async def fetch(self, key: str, path: Path) -> Path:
        """Copy the object into a local file, which appears when it is whole."""

    async def download_url(self, key: str, seconds: int) -> str | None:
        """Where the object can be read for so long without this server; None where the store cannot sign."""

    async def upload_url(self, key: str, seconds: int) -> str | None:
        """Where the object's bytes can be PUT for so long; None where the store cannot sign."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete what exists of them; absent keys are no error."""

    async def copy(self, source: str, target: str) -> None: ...

    def list(self, folder: str) -> AsyncIterator[StoredObject]:
        """Every object whose key starts with `folder/` (its slash may be left out), in no order."""

    async def purge_partial_writes(self, before: datetime) -> int:
        """Remove what writes that began before this instant and died left behind; how many there were."""
