"""Images in S3 buckets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import anyio
import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from core.ports import (
    CandidateBatch,
    FetchError,
    FetchErrorCode,
    FetchResponse,
    ImageCandidate,
    SearchCursor,
    SourceKind,
    SourceQuery,
)
from core.settings import Settings
from providers.web.decoding import too_large
from providers.web.html_pages import has_image_extension

PAGE_SIZE = 1000
CHUNK_BYTES = 256 * 1024
NETWORK = {"connect_timeout": "10s", "timeout": "60s"}


class S3Bucket:
    """Objects with image extensions in the buckets of `CRAWL_S3_BUCKETS`.

    All companies may read these buckets. The credentials of the installation's own store are not used.
    """

    kind = SourceKind.S3

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def missing_setting(self) -> str | None:
        """Requires `CRAWL_S3_BUCKETS`."""
        if self._settings.crawl_s3_buckets:
            return None
        return "Crawling of S3 buckets is not configured: CRAWL_S3_BUCKETS is not set."

    def validate(self, query: SourceQuery) -> str | None:
        """Requires one `s3://bucket/prefix` of an allowed bucket."""
        if len(query.urls) != 1:
            return "Exactly one URL such as s3://bucket/prefix is required."
        parts = urlsplit(query.urls[0])
        if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
            return "The URL must have the form s3://bucket/prefix."
        if parts.netloc not in self._settings.crawl_s3_buckets:
            return f"The bucket {parts.netloc[:100]} is not in CRAWL_S3_BUCKETS."
        return None

    async def search(self, query: SourceQuery, cursor: SearchCursor | None = None) -> CandidateBatch:
        """The next page of objects, in the order of their keys."""
        if (message := self.validate(query)) is not None:
            raise FetchError(FetchErrorCode.BAD_ADDRESS, message)
        address = urlsplit(query.urls[0])
        after = cursor["after"] if cursor else None
        try:
            listed = obstore.list(
                self._store(address.netloc),
                address.path.strip("/") or None,
                offset=after,
                chunk_size=PAGE_SIZE,
            )
            page: Sequence[Any] = await anext(aiter(listed), ())
        except (BaseError, OSError) as error:
            raise _fetch_error(error) from error
        keys = [entry["path"] for entry in page]
        candidates = tuple(
            ImageCandidate(self._object_url(address.netloc, key)) for key in keys if has_image_extension(key)
        )
        return CandidateBatch(candidates, {"after": keys[-1]} if len(keys) == PAGE_SIZE else None)

    async def download(
        self,
        url: str,
        path: Path,
        *,
        limit: int,
        etag: str | None = None,
        last_modified: str | None = None,
        session: str = "",
        referer: str | None = None,
    ) -> FetchResponse:
        """Downloads a candidate of `search` from the bucket."""
        bucket, key = self._parse_object_url(url)
        draft = anyio.Path(path.with_name(f"{path.name}.partial"))
        try:
            response = await obstore.get_async(self._store(bucket), key)
            if response.meta["size"] > limit:
                raise too_large(limit)
            async with await draft.open("wb") as file:
                async for chunk in response.stream(min_chunk_size=CHUNK_BYTES):
                    await file.write(bytes(chunk))
            await draft.replace(path)
        except (BaseError, OSError) as error:
            raise _fetch_error(error) from error
        finally:
            with anyio.CancelScope(shield=True):
                await draft.unlink(missing_ok=True)
        return FetchResponse(url, 200, {}, size=response.meta["size"])

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
        allow_http = (settings.crawl_s3_endpoint or "").startswith("http://")
        network: Any = {**NETWORK, "allow_http": allow_http}
        retries: Any = {"max_retries": settings.crawl_retries}
        return S3Store(bucket, config=config, client_options=network, retry_config=retries)

    def _base_url(self, bucket: str) -> str:
        endpoint = self._settings.crawl_s3_endpoint
        if endpoint:
            return f"{endpoint.rstrip('/')}/{bucket}/"
        return f"https://{bucket}.s3.{self._settings.crawl_s3_region}.amazonaws.com/"

    def _object_url(self, bucket: str, key: str) -> str:
        return self._base_url(bucket) + quote(key)

    def _parse_object_url(self, url: str) -> tuple[str, str]:
        for bucket in self._settings.crawl_s3_buckets:
            if url.startswith(base := self._base_url(bucket)):
                return bucket, unquote(url.removeprefix(base))
        raise FetchError(FetchErrorCode.FORBIDDEN_ADDRESS, "The URL is not in a bucket of CRAWL_S3_BUCKETS.")


def _fetch_error(error: Exception) -> FetchError:
    if isinstance(error, FileNotFoundError):
        return FetchError(FetchErrorCode.NOT_FOUND, "The object does not exist.")
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return FetchError(FetchErrorCode.NOT_PERMITTED, "The object store denies access.")
    return FetchError(FetchErrorCode.UNREACHABLE, "The object store cannot be reached.", is_transient=True)
