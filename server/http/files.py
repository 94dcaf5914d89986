"""Files over HTTP: bytes of announced uploads come in, stored objects go out, both by signed links."""

import asyncio
import re
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from core.errors import Conflict, DomainError, ErrorCode, NotFound
from core.ports import ObjectChanged, ObjectStore, StoredObject
from db.uow import Database
from resolvers import files
from resolvers.files import DownloadLink, FileTooLarge, LinkSigner
from server.graphql.refusals import Refusal
from server.http import tar_stream
from server.http.range_requests import Unsatisfiable, is_not_modified, last_modified, wanted_range

PATIENCE = 60
"""Seconds without a byte after which a sender is given up."""
LOOKS = 3
"""At an object that is replaced while it is looked at."""
STATUS = {
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.EXPIRED: 410,
    ErrorCode.UNSUPPORTED: 415,
    ErrorCode.INVALID: 422,
}
INLINE = frozenset({"application/pdf", "image/png", "image/jpeg", "image/tiff"})
"""What a browser may show in place; everything else is saved."""
TAR = "application/x-tar"
SIGNED_SECONDS = 300
"""For which an address that the store signed can be begun with."""
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True)
class FileServices:
    """What the routes work with."""

    database: Database
    store: ObjectStore
    links: LinkSigner


def routes(wiring: Callable[[], FileServices]) -> list[BaseRoute]:
    """Where bytes are `PUT`, and where one file or a bundle is read; `wiring` is asked at each request."""

    async def upload(request: Request) -> Response:
        return await errors_as_json(receive(request, wiring()))

    async def download(request: Request) -> Response:
        return await errors_as_json(send(request, wiring()))

    async def bundle(request: Request) -> Response:
        return await errors_as_json(send_bundle(request, wiring()))

    return [
        Route(f"{files.UPLOADS_PATH}{{token}}", upload, methods=["PUT"]),
        Route(f"{files.BUNDLES_PATH}{{token}}", bundle, methods=["GET"]),
        Route(f"{files.FILES_PATH}{{token}}", download, methods=["GET"]),
    ]


async def errors_as_json(answer: Awaitable[Response]) -> Response:
    """The answer, or the refusal as JSON."""
    try:
        return await answer
    except Refusal as refusal:
        refused = refusal
    except DomainError as error:
        status = 413 if isinstance(error, FileTooLarge) else STATUS.get(error.code, 400)
        refused = Refusal(status, error.code.value, error.message)
    response = refused.response("application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


async def receive(request: Request, wiring: FileServices) -> Response:
    """204 once the bytes are stored."""
    link = wiring.links.verify_upload(request.path_params["token"])
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "UNSUPPORTED", "The bytes are wanted as they are, without a content encoding.")
    if "content-range" in request.headers:
        raise Refusal(400, "INVALID", "A file is sent whole.")
    length = request.headers.get("content-length", "")
    try:
        await files.receive(
            wiring.database,
            wiring.store,
            link.company_id,
            link.upload_id,
            patient(request.stream()),
            length=int(length) if re.fullmatch(r"\d{1,18}", length) else None,
        )
    except TimeoutError:
        raise Refusal(
            408, "EXPIRED", f"No byte came for {PATIENCE} seconds.", {"Connection": "close"}
        ) from None
    except ClientDisconnect:
        raise Refusal(400, "INVALID", "The connection was closed before the last byte.") from None
    return Response(status_code=204)


async def patient(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The chunks; raises `TimeoutError` when one takes too long."""
    iterator = aiter(chunks)
    while True:
        try:
            async with asyncio.timeout(PATIENCE):
                chunk = await anext(iterator)
        except StopAsyncIteration:
            return
        yield chunk


async def send(request: Request, wiring: FileServices) -> Response:
    """The object or a range of it, streamed; another look where it is replaced between look and read.

    A store that can sign sends what is only saved itself. What a browser shows is sent from here, with the
    headers that keep it from doing harm.
    """
    link = wiring.links.verify_download(request.path_params["token"])
    if link.mime_type not in INLINE and request.method == "GET":
        address = await wiring.store.download_url(link.key, SIGNED_SECONDS)
        if address is not None:
            return RedirectResponse(address, headers={"Cache-Control": "no-store"})
    for _ in range(LOOKS):
        with suppress(ObjectChanged):
            return await answer(request, wiring.store, link)
    raise Conflict("The file is being replaced; try again.")


async def send_bundle(request: Request, wiring: FileServices) -> Response:
    """Every object that an index lists, as one TAR file."""
    link = wiring.links.verify_bundle(request.path_params["token"])
    try:
        bundled = await tar_stream.members(wiring.store, link.key)
    except FileNotFoundError:
        raise NotFound("The files are no longer there.") from None
    headers = {
        "Content-Length": str(tar_stream.length(bundled)),
        "Content-Disposition": disposition(link.filename, TAR),
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type=TAR)
    return StreamingResponse(tar_stream.bundle(wiring.store, bundled), headers=headers, media_type=TAR)


async def answer(request: Request, store: ObjectStore, link: DownloadLink) -> Response:
    """Raises `ObjectChanged` before anything is sent, if at all."""
    try:
        found = await store.head(link.key)
    except FileNotFoundError:
        raise NotFound("The file is no longer there.") from None
    headers = object_headers(found, link)
    if is_not_modified(request.headers, found):
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(found.size)}, media_type=link.mime_type)
    try:
        span = wanted_range(request.headers, found)
    except Unsatisfiable:
        whole = {"Content-Range": f"bytes */{found.size}"}
        raise Refusal(416, "INVALID", "No byte of the file is in that range.", whole) from None
    start, end = span or (0, found.size)
    headers["Content-Length"] = str(end - start)
    if span:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
    chunks = store.read(link.key, start, end, etag=found.etag)
    first = await anext(chunks, b"")
    status = 206 if span else 200
    return StreamingResponse(prepend(first, chunks), status, headers, media_type=link.mime_type)


async def prepend(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """All chunks, one after the other."""
    yield first
    async for chunk in rest:
        yield chunk


def object_headers(found: StoredObject, link: DownloadLink) -> dict[str, str]:
    """The headers of every answer about an object. Nothing in it may run, whoever uploaded it."""
    return {
        "Accept-Ranges": "bytes",
        "ETag": found.etag,
        "Last-Modified": last_modified(found),
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition(link.filename, link.mime_type),
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def disposition(filename: str, mime_type: str) -> str:
    """How a browser treats the file and what it calls it (RFC 6266), for old clients in ASCII too."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", filename)
    kind = "inline" if mime_type in INLINE else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
