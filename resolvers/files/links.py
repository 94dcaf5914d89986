"""Signed links: bearer links to upload or download one object until they expire.

A token is `payload.signature`, both base64url: a JSON list that starts with the link's purpose and expiry,
and its HMAC-SHA256. Whoever has a link can use it: links are short-lived and never logged.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson

from core.errors import NotFound, ResourceExpired
from core.tile_pyramids import TilePyramid

UPLOADS_PATH, BUNDLES_PATH, TILES_PATH = "/files/uploads/", "/files/bundles/", "/files/tiles/"
ACTIVITY_PATH = "/files/activity/"
FILES_PATH = "/files/"
"""Paths of the links; a token follows."""


@dataclass(frozen=True)
class UploadLink:
    """Permission to send the bytes of one upload."""

    company_id: UUID
    upload_id: UUID
    holder_id: UUID | None = None
    """The user whom the link was given to; it ends with the user's access."""


@dataclass(frozen=True)
class DownloadLink:
    """Permission to read one object, under this name and media type."""

    key: str
    filename: str
    mime_type: str
    holder_id: UUID | None = None


@dataclass(frozen=True)
class BundleLink:
    """Permission to read the objects of an index as one archive of this name."""

    key: str
    filename: str
    holder_id: UUID | None = None


@dataclass(frozen=True)
class TilesLink:
    """Permission to read the tiles of a pyramid, and the size of its image."""

    key: str
    pyramid: TilePyramid
    holder_id: UUID | None = None


@dataclass(frozen=True)
class ActivityLink:
    """Permission to read activities of a company: its conditions and format."""

    company_id: UUID
    conditions: str
    format: str
    holder_id: UUID | None = None


def utc_now() -> datetime:
    """The current time, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class LinkSigner:
    """Creates links and verifies their tokens. `ttl` is the lifetime of download links.

    Links start with `public_url`. Without one they are paths, which clients resolve against the address that
    they called: a request's `Host` may be anybody's.
    """

    secret: str = field(repr=False)
    ttl: timedelta
    public_url: str | None = None
    clock: Callable[[], datetime] = utc_now
    holder_id: UUID | None = None
    """The user whom links are given to; None for links that several users read."""

    def upload_url(self, company_id: UUID, upload_id: UUID, expires_at: datetime) -> str:
        """The URL to PUT the bytes of an upload to."""
        return self._base + UPLOADS_PATH + self._token("upload", expires_at, str(company_id), str(upload_id))

    def download_url(self, key: str, filename: str, mime_type: str, ttl: timedelta | None = None) -> str:
        """The URL to download an object under this name and media type."""
        expires_at = self.clock() + (self.ttl if ttl is None else ttl)
        return self._base + FILES_PATH + self._token("download", expires_at, key, filename, mime_type)

    def bundle_url(self, key: str, filename: str, ttl: timedelta | None = None) -> str:
        """The URL to download the objects listed in the index at `key` as one TAR file of this name."""
        expires_at = self.clock() + (self.ttl if ttl is None else ttl)
        return self._base + BUNDLES_PATH + self._token("bundle", expires_at, key, filename)

    def tiles_url(self, key: str, pyramid: TilePyramid) -> str:
        """The URL below which the tiles of a pyramid are."""
        size = pyramid.width, pyramid.height, pyramid.tile_size
        return self._base + TILES_PATH + self._token("tiles", self.clock() + self.ttl, key, *map(str, size))

    def activity_url(self, company_id: UUID, conditions: str, format: str) -> str:
        """The URL to download activities of a company."""
        grant = str(company_id), conditions, format
        return self._base + ACTIVITY_PATH + self._token("activity", self.clock() + self.ttl, *grant)

    def verify_activity(self, token: str) -> ActivityLink:
        """The permission in a token. Raises `NotFound` if it is forged, `ResourceExpired` if expired."""
        (company_id, conditions, format), holder_id = self._verify("activity", token)
        return ActivityLink(UUID(company_id), conditions, format, holder_id)

    def verify_tiles(self, token: str) -> TilesLink:
        """The permission in a token. Raises `NotFound` if it is forged, `ResourceExpired` if expired."""
        (key, *size), holder_id = self._verify("tiles", token)
        return TilesLink(key, TilePyramid(*map(int, size)), holder_id)

    def verify_upload(self, token: str) -> UploadLink:
        """The permission in a token. Raises `NotFound` if it is forged, `ResourceExpired` if expired."""
        (company_id, upload_id), holder_id = self._verify("upload", token)
        return UploadLink(UUID(company_id), UUID(upload_id), holder_id)

    def verify_download(self, token: str) -> DownloadLink:
        """The permission in a token. Raises `NotFound` if it is forged, `ResourceExpired` if expired."""
        (key, filename, mime_type), holder_id = self._verify("download", token)
        return DownloadLink(key, filename, mime_type, holder_id)

    def verify_bundle(self, token: str) -> BundleLink:
        """The permission in a token. Raises `NotFound` if it is forged, `ResourceExpired` if expired."""
        (key, filename), holder_id = self._verify("bundle", token)
        return BundleLink(key, filename, holder_id)

    @property
    def _base(self) -> str:
        return (self.public_url or "").rstrip("/")

    def _signature(self, payload: bytes) -> bytes:
        key = hmac.digest(self.secret.encode(), b"seshat file links", hashlib.sha256)
        return hmac.digest(key, payload, hashlib.sha256)

    def _token(self, purpose: str, expires_at: datetime, *grant: str) -> str:
        holder = {"holder": str(self.holder_id)} if self.holder_id else None
        payload = orjson.dumps([purpose, int(expires_at.timestamp()), *grant, *([holder] if holder else [])])
        return f"{base64url_encode(payload)}.{base64url_encode(self._signature(payload))}"

    def _verify(self, purpose: str, token: str) -> tuple[list[str], UUID | None]:
        body, _, signature = token.partition(".")
        try:
            payload, signed = base64url_decode(body), base64url_decode(signature)
        except ValueError:
            raise NotFound("There is no such file.") from None
        if not hmac.compare_digest(signed, self._signature(payload)):
            raise NotFound("There is no such file.")
        token_purpose, expires, *grant = orjson.loads(payload)
        if token_purpose != purpose:
            raise NotFound("There is no such file.")
        if self.clock().timestamp() >= expires:
            raise ResourceExpired("The link has expired. Request a new one.")
        holder = grant.pop() if grant and isinstance(grant[-1], dict) else None
        return grant, UUID(holder["holder"]) if holder else None


def base64url_encode(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def base64url_decode(text: str) -> bytes:
    """Decode canonical base64url without padding. Raises `ValueError`."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64url_encode(raw) != text:
        raise ValueError("not canonical base64url")
    return raw
