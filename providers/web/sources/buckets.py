"""Images in an object store that speaks S3."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import anyio
import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from core.ports import CandidateBatch, SearchCursor, FetchResponse, ImageCandidate, FetchErrorCode, FetchError, SourceKind, SourceQuery
from core.settings import Settings
from providers.web.decoding import too_large
from providers.web.html_pages import is_image_name

KEYS_AT_ONCE = 1000
CHUNK_BYTES = 256 * 1024
NETWORK = {"connect_timeout": "10s", "timeout": "60s"}


class Bucket:
    """The objects of allowed buckets whose names end like an image's.

    Every company may read these buckets, so they are named in the settings, and the credentials of the
    installation's own store are not used for them.
    """

    kind = SourceKind.S3

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def missing_setting(self) -> str | None:
        """Allowed buckets."""
        if self._settings.crawl_s3_buckets:
            return None
        return "No bucket may be read here: CRAWL_S3_BUCKETS is not set."

    def validate(self, wanted: SourceQuery) -> str | None:
        """Whether it is one `s3://bucket/folder` of an allowed bucket."""
        if len(wanted.addresses) != 1:
            return "One address such as s3://bucket/folder is wanted."
        parts = urlsplit(wanted.addresses[0])
        if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
            return "An address such as s3://bucket/folder is wanted."
        if parts.netloc not in self._settings.crawl_s3_buckets:
            return f"The bucket {parts.netloc[:100]} may not be read here: CRAWL_S3_BUCKETS does not name it."
        return None

    async def search(self, wanted: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """The next objects in the order of their keys."""
        if (fault := self.validate(wanted)) is not None:
            raise FetchError(FetchErrorCode.BAD_ADDRESS, fault)
        address = urlsplit(wanted.addresses[0])
        after = cursor["after"] if cursor else None
        try:
            listed = obstore.list(
                self._store(address.netloc),
                address.path.strip("/") or None,
                offset=after,
                chunk_size=KEYS_AT_ONCE,
            )
            page: Sequence[Any] = await anext(aiter(listed), ())
        except (BaseError, OSError) as error:
            raise _refused(error) from error
        keys = [entry["path"] for entry in page]
        found = tuple(ImageCandidate(self._address(address.netloc, key)) for key in keys if is_image_name(key))
        return CandidateBatch(found, {"after": keys[-1]} if len(keys) == KEYS_AT_ONCE else None)

    async def download(
        self, url: str, path: Path, *, limit: int, etag: str | None = None, last_modified: str | None = None
    ) -> FetchResponse:
        """From the store itself, by the address that `search` told."""
        bucket, key = self._located(url)
        draft = anyio.Path(path.with_name(f"{path.name}.partial"))
        try:
            answer = await obstore.get_async(self._store(bucket), key)
            if answer.meta["size"] > limit:
                raise too_large(limit)
            async with await draft.open("wb") as file:
                async for chunk in answer.stream(min_chunk_size=CHUNK_BYTES):
                    await file.write(bytes(chunk))
            await draft.replace(path)
        except (BaseError, OSError) as error:
            raise _refused(error) from error
        finally:
            with anyio.CancelScope(shield=True):
                await draft.unlink(missing_ok=True)
        return FetchResponse(url, 200, {}, size=answer.meta["size"])

    def _store(self, bucket: str) -> Any:
        settings = self._settings
        config: Any = {"region": settings.crawl_s3_region}
        if settings.crawl_s3_endpoint:
            config["endpoint"] = settings.crawl_s3_endpoint
        if settings.crawl_s3_key_id and settings.crawl_s3_secret:
            config["access_key_id"] = settings.crawl_s3_key_id
            config["secret_access_key"] = settings.crawl_s3_secret.get_secret_value()
        else:
            config["skip_signature"] = True
        plain = (settings.crawl_s3_endpoint or "").startswith("http://")
        network: Any = {**NETWORK, "allow_http": plain}
        patience: Any = {"max_retries": settings.crawl_retries}
        return S3Store(bucket, config=config, client_options=network, retry_config=patience)

    def _base(self, bucket: str) -> str:
        endpoint = self._settings.crawl_s3_endpoint
        if endpoint:
            return f"{endpoint.rstrip('/')}/{bucket}/"
        return f"https://{bucket}.s3.{self._settings.crawl_s3_region}.amazonaws.com/"

    def _address(self, bucket: str, key: str) -> str:
        return self._base(bucket) + quote(key)

    def _located(self, url: str) -> tuple[str, str]:
        for bucket in self._settings.crawl_s3_buckets:
            if url.startswith(base := self._base(bucket)):
                return bucket, unquote(url.removeprefix(base))
        raise FetchError(FetchErrorCode.FORBIDDEN_ADDRESS, "It is in no bucket that may be read here.")


def _refused(error: Exception) -> FetchError:
    if isinstance(error, FileNotFoundError):
        return FetchError(FetchErrorCode.NOT_FOUND, "There is no such object.")
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return FetchError(FetchErrorCode.NOT_PERMITTED, "The object store does not permit it.")
    return FetchError(FetchErrorCode.UNREACHABLE, "The object store can't be reached.", is_transient=True)
