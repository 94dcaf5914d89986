"""Upload and download of files over HTTP, by signed links."""

import asyncio
import re
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from core import tar_layout
from core.errors import (
    Conflict,
    DomainError,
    ErrorCode,
    NotAuthenticated,
    NotFound,
    ResourceExpired,
    Unavailable,
)
from core.ports import ObjectChanged, ObjectStore, StoredObject
from core.tile_pyramids import TilePyramid
from db.database import Database
from resolvers import files
from resolvers.files import DownloadLink, FileTooLarge, LinkSigner, StorageExhausted
from resolvers.identity.credentials import Credential
from resolvers.identity.viewers import Viewers
from server.graphql.refusals import Refusal, refusal
from server.http import tar_stream
from server.http.activity_exports import export_response
from server.http.range_requests import Unsatisfiable, is_not_modified, last_modified, requested_range

IDLE_TIMEOUT_SECONDS = 60
"""Idle timeout of an upload, in seconds."""
MAX_READ_ATTEMPTS = 3
"""Attempts to read an object that is replaced concurrently."""
STATUS = {
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.EXPIRED: 410,
    ErrorCode.UNSUPPORTED: 415,
    ErrorCode.INVALID: 422,
}
STATUS_BY_TYPE = {FileTooLarge: 413, StorageExhausted: 507}
INLINE_TYPES = frozenset({"application/pdf", "image/png", "image/jpeg", "image/tiff"})
"""Media types that browsers may display; other files are downloaded."""
TAR = "application/x-tar"
SIGNED_URL_SECONDS = 300
"""Validity of a URL that the object store has signed."""
SANDBOX_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True)
class FileServices:
    """Services of the routes."""

    database: Database
    store: ObjectStore
    links: LinkSigner
    viewers: Viewers | None = None
    """Those whose links are checked; None checks nobody."""


def routes(services: Callable[[], FileServices]) -> list[BaseRoute]:
    """Routes of uploads, downloads and bundles; `services` is called for each request."""

    async def upload(request: Request) -> Response:
        return await errors_as_json(receive(request, services()))

    async def download(request: Request) -> Response:
        return await errors_as_json(send(request, services()))

    async def bundle(request: Request) -> Response:
        return await errors_as_json(send_bundle(request, services()))

    async def activity(request: Request) -> Response:
        wired = services()
        link = wired.links.verify_activity(request.path_params["token"])
        return await export_response(wired.database, wired.viewers, link)

    async def exported_activity(request: Request) -> Response:
        return await errors_as_json(activity(request))

    async def tile(request: Request) -> Response:
        return await errors_as_json(send_tile(request, services()))

    return [
        Route(
            f"{files.TILES_PATH}{{token}}/{{level:int}}/{{column:int}}_{{row:int}}.png", tile, methods=["GET"]
        ),
        Route(f"{files.UPLOADS_PATH}{{token}}", upload, methods=["PUT"]),
        Route(f"{files.BUNDLES_PATH}{{token}}", bundle, methods=["GET"]),
        Route(f"{files.ACTIVITY_PATH}{{token}}", exported_activity, methods=["GET"]),
        Route(f"{files.FILES_PATH}{{token}}", download, methods=["GET"]),
    ]


async def errors_as_json(answer: Awaitable[Response]) -> Response:
    """The response, or an error as JSON."""
    try:
        return await answer
    except Exception as error:
        response = error_response(error).response("application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def error_response(error: Exception) -> Refusal:
    """The error response for an exception: 507 if the store is full, 503 after an outage."""
    if not isinstance(error, DomainError) or isinstance(error, Unavailable):
        return refusal(error)
    status = STATUS_BY_TYPE.get(type(error)) or STATUS.get(error.code, 400)
    return Refusal(status, error.code, error.message)


async def require_holder(services: FileServices, holder_id: UUID | None) -> None:
    """Raises `ResourceExpired` if the user whom a link was given to has lost access."""
    if services.viewers is not None and holder_id is not None:
        try:
            await services.viewers.load(Credential(holder_id), None)
        except NotAuthenticated:
            raise ResourceExpired("The link is no longer valid.") from None


async def receive(request: Request, services: FileServices) -> Response:
    """Stores an upload, and returns 204."""
    link = services.links.verify_upload(request.path_params["token"])
    await require_holder(services, link.holder_id)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(
            415, ErrorCode.UNSUPPORTED, "Content-Encoding is not supported: send the file as it is."
        )
    if "content-range" in request.headers:
        raise Refusal(400, ErrorCode.INVALID, "Content-Range is not supported: send the whole file.")
    length = request.headers.get("content-length", "")
    try:
        await files.receive(
            services.database,
            services.store,
            link.company_id,
            link.upload_id,
            with_idle_timeout(request.stream()),
            length=int(length) if re.fullmatch(r"\d{1,18}", length) else None,
        )
    except TimeoutError:
        raise Refusal(
            408,
            ErrorCode.EXPIRED,
            f"No data was received for {IDLE_TIMEOUT_SECONDS} seconds.",
            {"Connection": "close"},
        ) from None
    except ClientDisconnect:
        raise Refusal(
            400, ErrorCode.INVALID, "The connection was closed before the upload was complete."
        ) from None
    return Response(status_code=204)


async def with_idle_timeout(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yields the chunks. Raises `TimeoutError` if one takes too long."""
    iterator = aiter(chunks)
    while True:
        try:
            async with asyncio.timeout(IDLE_TIMEOUT_SECONDS):
                chunk = await anext(iterator)
        except StopAsyncIteration:
            return
        yield chunk


async def send(request: Request, services: FileServices) -> Response:
    """Sends an object or a range of it.

    Downloads are redirected to a signed URL if the store supports it. Files that browsers display are
    sent from here, with headers that prevent scripts.
    """
    link = services.links.verify_download(request.path_params["token"])
    await require_holder(services, link.holder_id)
    if link.mime_type not in INLINE_TYPES and request.method == "GET":
        address = await services.store.download_url(link.key, SIGNED_URL_SECONDS)
        if address is not None:
            return RedirectResponse(address, headers={"Cache-Control": "no-store"})
    for _ in range(MAX_READ_ATTEMPTS):
        with suppress(ObjectChanged):
            return await object_response(request, services.store, link)
    raise Conflict("The file is being replaced. Try again.")


async def send_bundle(request: Request, services: FileServices) -> Response:
    """Sends the objects of an index as one TAR file."""
    link = services.links.verify_bundle(request.path_params["token"])
    await require_holder(services, link.holder_id)
    try:
        members = await tar_stream.members(services.store, link.key)
    except FileNotFoundError:
        raise NotFound("The files no longer exist.") from None
    headers = {
        "Content-Length": str(tar_layout.length(members)),
        "Content-Disposition": disposition(link.filename, TAR),
        "Cache-Control": "private, no-store",
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type=TAR)
    return StreamingResponse(tar_stream.bundle(services.store, members), headers=headers, media_type=TAR)


async def send_tile(request: Request, services: FileServices) -> Response:
    """Sends a tile of a pyramid."""
    link = services.links.verify_tiles(request.path_params["token"])
    await require_holder(services, link.holder_id)
    level, column, row = (request.path_params[name] for name in ("level", "column", "row"))
    start = link.pyramid.entry_offset(level, column, row)
    if start is None:
        raise NotFound("There is no such tile.")
    try:
        entry = await read_range(services.store, link.key, start, start + TilePyramid.ENTRY.size)
        offset, length = TilePyramid.ENTRY.unpack(entry)
        content = await read_range(services.store, link.key, offset, offset + length)
    except FileNotFoundError:
        raise NotFound("The tiles no longer exist.") from None
    headers = {"Cache-Control": "private, max-age=300"}
    return Response(content, headers=headers, media_type="image/png")


async def read_range(store: ObjectStore, key: str, start: int, end: int) -> bytes:
    """The bytes of an object from `start` to `end` (exclusive)."""
    return b"".join([chunk async for chunk in store.read(key, start, end)])


async def object_response(request: Request, store: ObjectStore, link: DownloadLink) -> Response:
    """The response for an object. Raises `ObjectChanged` if it is replaced before the first byte."""
    try:
        stored = await store.head(link.key)
    except FileNotFoundError:
        raise NotFound("The file no longer exists.") from None
    headers = object_headers(stored, link)
    if is_not_modified(request.headers, stored):
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(stored.size)}, media_type=link.mime_type)
    try:
        span = requested_range(request.headers, stored)
    except Unsatisfiable:
        whole = {"Content-Range": f"bytes */{stored.size}"}
        raise Refusal(416, ErrorCode.INVALID, "The range is outside the file.", whole) from None
    start, end = span or (0, stored.size)
    headers["Content-Length"] = str(end - start)
    if span:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
    chunks = store.read(link.key, start, end, etag=stored.etag)
    first = await anext(chunks, b"")
    status = 206 if span else 200
    return StreamingResponse(prepend(first, chunks), status, headers, media_type=link.mime_type)


async def prepend(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The first chunk, and then the others."""
    yield first
    async for chunk in rest:
        yield chunk


def object_headers(stored: StoredObject, link: DownloadLink) -> dict[str, str]:
    """The headers of an object. They prevent uploaded content from running scripts."""
    return {
        "Accept-Ranges": "bytes",
        "ETag": stored.etag,
        "Last-Modified": last_modified(stored),
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition(link.filename, link.mime_type),
        "Content-Security-Policy": SANDBOX_POLICY,
        "Referrer-Policy": "no-referrer",
    }


def disposition(filename: str, mime_type: str) -> str:
    """The `Content-Disposition` (RFC 6266), with an ASCII fallback of the file name."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", filename)
    kind = "inline" if mime_type in INLINE_TYPES else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
