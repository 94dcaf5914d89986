"""Objects in a folder or a bucket, through obstore."""

import asyncio
import errno
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
import structlog
from obstore.exceptions import BaseError, GenericError, PreconditionError
from obstore.store import LocalStore, MemoryStore, from_url

from core.ports import ObjectChanged, ObjectStore, StoredObject, StoreFull, StoreUnavailable
from core.settings import SettingsError

log = structlog.get_logger(__name__)

PART_BYTES = 5 * 1024 * 1024
"""Of one part of a write: the least that S3 takes."""
PARTS_AT_ONCE = 2
CHUNK_BYTES = 256 * 1024
"""Of one chunk of a read."""
LONGEST_KEY = 900
"""Characters: S3 takes 1024, and the store's own prefix comes before the key."""
SEGMENT = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._=-]{1,200}")
UNFINISHED = re.compile(r".+#\d+")
"""How obstore names a local file that is being written; keys cannot have such names."""
LONGEST_SIGNED = 7 * 24 * 3600
"""Seconds: more is not signed by S3."""
NETWORK = {"connect_timeout": "10s", "timeout": "1h"}
"""The timeout covers a whole body, which may take a slow reader long."""


FULL = re.compile(
    "|".join(rf"os error {code}\b" for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
    + "|QuotaExceeded|InsufficientStorage|XMinioStorageFull"
)
"""How a folder, or a bucket, says that there is no room."""


def open_store(url: str) -> ObjectStore:
    """The store at `file:///folder`, `s3://bucket/prefix`, `gs://…`, `az://…` or `memory:///` (for tests).

    Credentials come from the environment, by the names of each cloud's own tools. Raises `SettingsError`.
    """
    scheme, _, path, _, _ = urlsplit(url)
    try:
        match scheme:
            case "file":
                return FolderStore(Path(url2pathname(path)))
            case "memory":
                return Store(MemoryStore())
            case "s3" | "gs" | "az":
                # Client options that are given hide the environment's, so its one that matters is read here.
                plain = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"
                network: Any = {**NETWORK, "allow_http": plain}
                return BucketStore(from_url(url, client_options=network))
    except (BaseError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise SettingsError(f"STORAGE_URL: {url} cannot be used: {reason}") from error
    raise SettingsError(f"STORAGE_URL: {url} does not start with file://, s3://, gs:// or az://")


def validate_key(key: str) -> str:
    """The key itself; raises `ValueError` for one that could leave the store or be read in two ways."""
    if len(key) > LONGEST_KEY or not all(SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise ValueError(f"not an object's key: {key!r}")
    return key


class Store:
    """`core.ports.ObjectStore` over one of obstore's stores."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    async def put(self, key: str, chunks: AsyncIterable[bytes] | bytes) -> StoredObject:
        """At most three parts of 5 MiB are in memory; a failed or cancelled write is aborted."""
        with translate_errors():
            await obstore.put_async(
                self._backend, validate_key(key), chunks, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
            )
        return await self.head(key)

    async def put_file(self, key: str, path: Path) -> StoredObject:
        """Raises `FileNotFoundError` where there is no such file."""
        with translate_errors():
            await obstore.put_async(
                self._backend, validate_key(key), path, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
            )
        return await self.head(key)

    async def head(self, key: str) -> StoredObject:
        """What is known of an object without reading it."""
        with translate_errors():
            return stored_object(await obstore.head_async(self._backend, validate_key(key)))

    async def read(
        self, key: str, start: int = 0, end: int | None = None, *, etag: str | None = None
    ) -> AsyncIterator[bytes]:
        """Nothing is asked of the store before the first chunk is."""
        options: Any = {}
        if end is not None:
            if end <= start:
                return
            options["range"] = (start, end)
        elif start:
            options["range"] = {"offset": start}
        if etag is not None:
            options["if_match"] = etag
        with translate_errors():
            try:
                found = await obstore.get_async(self._backend, validate_key(key), options=options)
            except PreconditionError as error:
                raise ObjectChanged(key) from error
            chunks = aiter(found.stream(min_chunk_size=CHUNK_BYTES))
        while True:
            with translate_errors():
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            yield bytes(chunk)

    async def fetch(self, key: str, path: Path) -> Path:
        """The file is written beside its final name first."""
        return await asyncio.to_thread(self._fetch, validate_key(key), path)

    def _fetch(self, key: str, path: Path) -> Path:
        draft = path.with_name(f"{path.name}.partial")
        try:
            with draft.open("wb") as file, translate_errors():
                for chunk in obstore.get(self._backend, key).stream(min_chunk_size=CHUNK_BYTES):
                    file.write(chunk)
            return draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    async def download_url(self, key: str, seconds: int) -> str | None:
        """None: neither a folder nor memory can sign."""
        return None

    async def upload_url(self, key: str, seconds: int) -> str | None:
        """None, likewise."""
        return None

    async def delete(self, keys: Sequence[str]) -> None:
        """In one request where the store can."""
        try:
            await obstore.delete_async(self._backend, [validate_key(key) for key in keys])
        except FileNotFoundError:  # a folder stops at the first absent one
            for key in keys:
                with suppress(FileNotFoundError):
                    await obstore.delete_async(self._backend, key)

    async def copy(self, source: str, target: str) -> None:
        """Inside the store: no byte passes through this process."""
        with translate_errors():
            await obstore.copy_async(self._backend, validate_key(source), validate_key(target))

    async def list(self, folder: str) -> AsyncIterator[StoredObject]:
        """Page by page."""
        async for page in obstore.list(self._backend, prefix=validate_key(folder.removesuffix("/"))):
            for found in page:
                yield stored_object(found)

    async def purge_partial_writes(self, before: datetime) -> int:
        """Nothing: buckets expire incomplete writes themselves, by a lifecycle rule of theirs."""
        return 0


class BucketStore(Store):
    """A bucket, or container, which lets those read and write who hold an address that it signed."""

    async def download_url(self, key: str, seconds: int) -> str | None:
        """None where the credentials are of a kind that cannot sign."""
        return await self._signed("GET", key, seconds)

    async def upload_url(self, key: str, seconds: int) -> str | None:
        """None where the credentials are of a kind that cannot sign."""
        return await self._signed("PUT", key, seconds)

    async def _signed(self, method: Any, key: str, seconds: int) -> str | None:
        lasting = timedelta(seconds=min(seconds, LONGEST_SIGNED))
        try:
            return await obstore.sign_async(self._backend, method, validate_key(key), lasting)
        except BaseError:
            log.warning("url_signing_unsupported", method=method, exc_info=True)
            return None


class FolderStore(Store):
    """A folder of the local file system, made if absent."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalStore(folder, mkdir=True, automatic_cleanup=True))
        self._folder = folder

    async def purge_partial_writes(self, before: datetime) -> int:
        """A write that was killed leaves its unfinished file, which no key can name."""
        return await asyncio.to_thread(self._sweep, before)

    def _sweep(self, before: datetime) -> int:
        swept = 0
        for folder, _, names in os.walk(self._folder):
            for file in (Path(folder, name) for name in names if UNFINISHED.fullmatch(name)):
                with suppress(FileNotFoundError):  # a living write may finish meanwhile
                    if datetime.fromtimestamp(file.stat().st_mtime, UTC) < before:
                        file.unlink()
                        swept += 1
        return swept


@contextmanager
def translate_errors() -> Iterator[None]:
    """A failure of the store, in the port's words."""
    try:
        yield
    except GenericError as error:
        full = FULL.search(str(error))
        raise (StoreFull if full else StoreUnavailable)(str(error).partition("\n")[0]) from error


def stored_object(found: Any) -> StoredObject:
    """obstore's description of an object as ours."""
    modified_at = found["last_modified"]
    etag = found["e_tag"] or f'"{int(modified_at.timestamp() * 1_000_000):x}-{found["size"]:x}"'
    return StoredObject(found["path"], found["size"], etag, modified_at)
