"""Object stores (folders and buckets) over obstore."""

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
"""Part size of multipart uploads: the minimum of S3."""
PART_CONCURRENCY = 2
CHUNK_BYTES = 256 * 1024
"""Minimum chunk size of reads."""
MAX_KEY_LENGTH = 900
"""S3 allows 1024, including the prefix of the store."""
KEY_SEGMENT = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._=-]{1,200}")
PARTIAL_FILE = re.compile(r".+#\d+")
"""Names of obstore's partial local files; keys cannot have such names."""
MAX_SIGNED_URL_SECONDS = 7 * 24 * 3600
"""Maximum validity of a signed URL in S3."""
CLIENT_OPTIONS = {"connect_timeout": "10s", "timeout": "1h"}
"""The timeout covers the whole body, for slow readers."""


STORE_FULL = re.compile(
    "|".join(rf"os error {code}\b" for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
    + "|QuotaExceeded|InsufficientStorage|XMinioStorageFull"
)
"""Error messages of a full disk or bucket."""


def open_store(url: str) -> ObjectStore:
    """Opens the store at `file:///folder`, `s3://bucket/prefix`, `gs://…`, `az://…` or `memory:///`.

    Credentials are read from the standard environment variables of each cloud. Raises `SettingsError`.
    """
    scheme, _, path, _, _ = urlsplit(url)
    try:
        match scheme:
            case "file":
                return FolderStore(Path(url2pathname(path)))
            case "memory":
                return Store(MemoryStore())
            case "s3" | "gs" | "az":
                # Explicit client options override the environment, so this variable is read here.
                allow_http = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"
                network: Any = {**CLIENT_OPTIONS, "allow_http": allow_http}
                return BucketStore(from_url(url, client_options=network))
    except (BaseError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise SettingsError(f"STORAGE_URL: {url} cannot be used: {reason}") from error
    raise SettingsError(f"STORAGE_URL: {url} must start with file://, s3://, gs:// or az://")


def validate_key(key: str) -> str:
    """Returns the key. Raises `ValueError` if it is ambiguous or could leave the store."""
    if len(key) > MAX_KEY_LENGTH or not all(KEY_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise ValueError(f"invalid object key: {key!r}")
    return key


class Store:
    """`core.ports.ObjectStore` over an obstore store."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    async def put(self, key: str, chunks: AsyncIterable[bytes] | bytes) -> StoredObject:
        """Keeps at most three parts of 5 MiB in memory. Failed and cancelled writes are aborted."""
        with translate_errors():
            await obstore.put_async(
                self._backend,
                validate_key(key),
                chunks,
                chunk_size=PART_BYTES,
                max_concurrency=PART_CONCURRENCY,
            )
        return await self.head(key)

    async def put_file(self, key: str, path: Path) -> StoredObject:
        """Raises `FileNotFoundError` if the file does not exist."""
        with translate_errors():
            await obstore.put_async(
                self._backend,
                validate_key(key),
                path,
                chunk_size=PART_BYTES,
                max_concurrency=PART_CONCURRENCY,
            )
        return await self.head(key)

    async def head(self, key: str) -> StoredObject:
        """Metadata of an object."""
        with translate_errors():
            return stored_object(await obstore.head_async(self._backend, validate_key(key)))

    async def read(
        self, key: str, start: int = 0, end: int | None = None, *, etag: str | None = None
    ) -> AsyncIterator[bytes]:
        """Sends no request before the first chunk is read."""
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
        """Writes the file under a temporary name, and renames it."""
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
        """None: folders and memory stores have no signed URLs."""
        return None

    async def upload_url(self, key: str, seconds: int) -> str | None:
        """None: folders and memory stores have no signed URLs."""
        return None

    async def delete(self, keys: Sequence[str]) -> None:
        """Deletes in one request if the store supports it."""
        try:
            await obstore.delete_async(self._backend, [validate_key(key) for key in keys])
        except FileNotFoundError:  # a folder stops at the first missing object
            for key in keys:
                with suppress(FileNotFoundError):
                    await obstore.delete_async(self._backend, key)

    async def copy(self, source: str, target: str) -> None:
        """Copies within the store."""
        with translate_errors():
            await obstore.copy_async(self._backend, validate_key(source), validate_key(target))

    async def list(self, folder: str) -> AsyncIterator[StoredObject]:
        """Lists objects page by page."""
        async for page in obstore.list(self._backend, prefix=validate_key(folder.removesuffix("/"))):
            for found in page:
                yield stored_object(found)

    async def purge_partial_writes(self, before: datetime) -> int:
        """0: buckets expire incomplete uploads by a lifecycle rule."""
        return 0


class BucketStore(Store):
    """A bucket or container, with signed URLs."""

    async def download_url(self, key: str, seconds: int) -> str | None:
        """None if the credentials cannot sign URLs."""
        return await self._signed("GET", key, seconds)

    async def upload_url(self, key: str, seconds: int) -> str | None:
        """None if the credentials cannot sign URLs."""
        return await self._signed("PUT", key, seconds)

    async def _signed(self, method: Any, key: str, seconds: int) -> str | None:
        validity = timedelta(seconds=min(seconds, MAX_SIGNED_URL_SECONDS))
        try:
            return await obstore.sign_async(self._backend, method, validate_key(key), validity)
        except BaseError:
            log.warning("url_signing_unsupported", method=method, exc_info=True)
            return None


class FolderStore(Store):
    """A folder of the local file system, created if it is missing."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalStore(folder, mkdir=True, automatic_cleanup=True))
        self._folder = folder

    async def purge_partial_writes(self, before: datetime) -> int:
        """Deletes the partial files of interrupted writes."""
        return await asyncio.to_thread(self._purge_partial_files, before)

    def _purge_partial_files(self, before: datetime) -> int:
        purged = 0
        for folder, _, names in os.walk(self._folder):
            for file in (Path(folder, name) for name in names if PARTIAL_FILE.fullmatch(name)):
                with suppress(FileNotFoundError):  # a concurrent write may finish
                    if datetime.fromtimestamp(file.stat().st_mtime, UTC) < before:
                        file.unlink()
                        purged += 1
        return purged


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raises the errors of `core.ports` for those of obstore."""
    try:
        yield
    except GenericError as error:
        full = STORE_FULL.search(str(error))
        raise (StoreFull if full else StoreUnavailable)(str(error).partition("\n")[0]) from error


def stored_object(found: Any) -> StoredObject:
    """The `StoredObject` of obstore's metadata."""
    modified_at = found["last_modified"]
    etag = found["e_tag"] or f'"{int(modified_at.timestamp() * 1_000_000):x}-{found["size"]:x}"'
    return StoredObject(found["path"], found["size"], etag, modified_at)
