"""Files on their way in, as clients see them."""

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
CHUNK = 256 * 1024


@output
class Header:
    """One HTTP header."""

    name: str
    """Its name."""

    value: str
    """Its value."""


def stored(upload: Any) -> bool:
    """Whether the bytes are there."""
    return upload.state is UploadState.STORED


@node(models.Upload)
class UploadedFile(relay.Node):
    """A file announced and, once its bytes came and were checked, stored."""

    id: relay.NodeID[UUID]

    filename: str
    """Without folders."""

    mime_type: str
    """As announced while pending; as its content tells once stored."""

    size: BigInt
    """In bytes."""

    sha256: str
    """64 hexadecimal digits."""

    state: UploadState
    """Whether the bytes are there."""

    expires_at: datetime
    """Until when the bytes may be sent."""

    created_at: datetime
    """When it was announced."""

    file_url: str | None = signed_link("storage_key", name="filename", type="mime_type", shown=stored)
    """The stored file; null while pending. The link is signed and expires."""

    @field(needs=("id", "expires_at"))
    def url(self, info: Info) -> str:
        """Where to `PUT` the bytes, with `headers`; the link is signed and good until `expiresAt`."""
        row: Any = self
        return info.context.links.upload_url(info.context.viewer.company_id, row.id, row.expires_at)

    @field(needs=("id", "expires_at", "state"))
    async def direct_url(self, info: Info) -> str | None:
        """Where to `PUT` the bytes, with `headers`, past this server; then call `uploadComplete`.

        Null where the object store cannot sign such an address, and once the bytes are there.
        """
        row: Any = self
        context = info.context
        left = (row.expires_at - context.links.clock()).total_seconds()
        if stored(row) or left < 1:
            return None
        key = files.direct_key(context.viewer.company_id, row.id)
        return await context.services.store.upload_url(key, int(left))

    @field(needs=("mime_type",))
    def headers(self) -> list[Header]:
        """What to send with the `PUT`; a few at most."""
        return [Header(name="Content-Type", value=self.mime_type)]


@input
class UploadCreateInput(IdempotentInput):
    """A file to announce."""

    filename: str
    """Its name; folders are cut off."""

    mime_type: str
    """What it is said to be; what it is, its content decides."""

    size: BigInt
    """In bytes."""

    sha256: str
    """64 hexadecimal digits."""


@output
class UploadCreatePayload(Payload):
    upload: UploadedFile | None = None
    """Where and how to send the bytes."""


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
    upload: UploadedFile | None = lookup(models.Upload, "One of the viewer's uploads, by id.")


@output
class FileMutations:
    @mutation(idempotent=True)
    async def upload_create(self, info: Info, input: UploadCreateInput) -> UploadCreatePayload:
        """Announce a file; then `PUT` its bytes to the answer's `url`."""
        viewer, settings = info.context.viewer, info.context.services.settings
        ttl = timedelta(seconds=settings.upload_ttl)
        async with info.context.write() as uow:
            upload = await files.announce(
                uow, viewer, **input_values(input), largest=settings.max_upload_size, ttl=ttl
            )
        return UploadCreatePayload.of(upload=upload)

    @mutation
    async def upload_complete(self, info: Info, id: relay.GlobalID) -> UploadCompletePayload:
        """Say that the bytes were sent to `directUrl`: they are checked, and the file is stored.

        A file that is stored already stays as it is.
        """
        services = info.context.services
        key = key_of(id, models.Upload)
        upload = await files.accept(services.database, services.store, info.context.viewer, key)
        return UploadCompletePayload.of(upload=upload)

    @mutation
    async def file_upload(self, info: Info, file: Upload) -> FileUploadPayload:
        """Send a small file within the request (GraphQL multipart request)."""
        services = info.context.services
        received: Any = file
        upload = await files.take(
            services.database,
            services.store,
            info.context.viewer,
            filename=received.filename or "",
            chunks=chunks(received),
            largest=services.settings.max_upload_size,
        )
        return FileUploadPayload.of(upload=upload)


async def chunks(file: Any) -> AsyncIterator[bytes]:
    """The file's bytes, a quarter of a megabyte at a time."""
    while chunk := await file.read(CHUNK):
        yield chunk
