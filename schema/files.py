"""File uploads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from strawberry import relay
from strawberry.file_uploads import Upload

from db import models
from db.models import UploadState
from resolvers import files
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import lookup, signed_link
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, field, input_values, mutation
from schema.framework.scalars import BigInt

enumeration(UploadState)
CHUNK_BYTES = 256 * 1024


@output
class Header:
    """An HTTP header."""

    name: str
    """Name of the header."""

    value: str
    """Value of the header."""


def is_stored(upload: Any) -> bool:
    """Whether the content is stored."""
    return upload.state is UploadState.STORED


@node(models.Upload)
class UploadedFile(relay.Node):
    """A file that has been announced and, once its content is received and verified, stored."""

    id: relay.NodeID[UUID]

    filename: str
    """Filename without directories."""

    mime_type: str
    """Media type. While `PENDING` as declared, once `STORED` as detected from the content."""

    size: BigInt
    """Size in bytes."""

    sha256: str
    """SHA-256 digest of the content, as 64 hexadecimal digits."""

    state: UploadState
    """State of the upload."""

    expires_at: datetime
    """Time until which the content may be sent."""

    created_at: datetime
    """Creation time of the upload."""

    file_url: str | None = signed_link("storage_key", name="filename", type="mime_type", shown=is_stored)
    """Signed, expiring URL of the stored file. Null while the upload is `PENDING`."""

    @field(needs=("id", "expires_at"))
    def url(self, info: Info) -> str:
        """Signed URL to send the content to, with a `PUT` request and `headers`. Valid until `expiresAt`."""
        row: Any = self
        return info.context.links.upload_url(info.context.viewer.company_id, row.id, row.expires_at)

    @field(needs=("id", "expires_at", "state"))
    async def direct_url(self, info: Info) -> str | None:
        """Signed URL of the object store to send the content to, with a `PUT` request and `headers`. Call
        `uploadComplete` afterwards. Null if the object store does not support signed URLs, or once the file
        is stored.
        """
        row: Any = self
        context = info.context
        left = (row.expires_at - context.links.clock()).total_seconds()
        if is_stored(row) or left < 1:
            return None
        key = files.direct_key(context.viewer.company_id, row.id)
        return await context.services.store.upload_url(key, int(left))

    @field(needs=("mime_type",))
    def headers(self) -> list[Header]:
        """Headers to send with the `PUT` request."""
        return [Header(name="Content-Type", value=self.mime_type)]


@input
class UploadCreateInput(IdempotentInput):
    """Input of `uploadCreate`."""

    filename: str
    """Filename. Directories are removed."""

    mime_type: str
    """Declared media type. The actual type is detected from the content."""

    size: BigInt
    """Size in bytes."""

    sha256: str
    """SHA-256 digest of the content, as 64 hexadecimal digits."""


@output
class UploadCreatePayload(Payload):
    upload: UploadedFile | None = None
    """The new upload, with the URL to send the content to."""


@output
class UploadCompletePayload(Payload):
    upload: UploadedFile | None = None
    """The stored file."""


@output
class FileUploadPayload(Payload):
    upload: UploadedFile | None = None
    """The stored file."""


@output
class FileQueries:
    upload: UploadedFile | None = lookup(models.Upload, "Looks up an upload of the viewer by ID.")


@output
class FileMutations:
    @mutation(idempotent=True)
    async def upload_create(self, info: Info, input: UploadCreateInput) -> UploadCreatePayload:
        """Announce a file. Send its content to the returned `url` with a `PUT` request."""
        viewer, settings = info.context.viewer, info.context.services.settings
        ttl = timedelta(seconds=settings.upload_ttl)
        async with info.context.write() as uow:
            upload = await files.create(
                uow, viewer, **input_values(input), max_size=settings.max_upload_size, ttl=ttl
            )
        return UploadCreatePayload.of(upload=upload)

    @mutation
    async def upload_complete(self, info: Info, id: relay.GlobalID) -> UploadCompletePayload:
        """Verify and store the content that was sent to `directUrl`. Has no effect on a stored file."""
        services = info.context.services
        key = key_of(id, models.Upload)
        upload = await files.complete_direct(services.database, services.store, info.context.viewer, key)
        return UploadCompletePayload.of(upload=upload)

    @mutation
    async def file_upload(self, info: Info, file: Upload) -> FileUploadPayload:
        """Upload a small file as a GraphQL multipart request."""
        services = info.context.services
        received: Any = file
        upload = await files.store_file(
            services.database,
            services.store,
            info.context.viewer,
            filename=received.filename or "",
            chunks=chunks(received),
            max_size=services.settings.max_upload_size,
        )
        return FileUploadPayload.of(upload=upload)


async def chunks(file: Any) -> AsyncIterator[bytes]:
    """The content of the file in chunks of 256 KiB."""
    while chunk := await file.read(CHUNK_BYTES):
        yield chunk
