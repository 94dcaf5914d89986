"""Parsing of request bodies: JSON, query strings and multipart forms."""

import asyncio
import errno
from collections.abc import Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive
from strawberry.file_uploads.utils import replace_placeholders_with_files

from core.errors import ErrorCode
from server.graphql.json import decode
from server.graphql.limits import TransportLimits
from server.graphql.negotiation import JSON
from server.graphql.refusals import RETRY_AFTER, Refusal

FORM = "multipart/form-data"
PREFLIGHT = (
    "graphql-require-preflight",
    "apollo-require-preflight",
    "x-apollo-operation-name",
    "x-requested-with",
)
"""Headers that require a CORS preflight; one of them is required for multipart requests."""

SHAPES: tuple[tuple[str, type, str], ...] = (
    ("query", str, "a string"),
    ("operationName", str, "a string"),
    ("variables", dict, "an object"),
    ("extensions", dict, "an object"),
)


@dataclass
class BodySpace:
    """Bytes of all bodies that a process holds at a time, in memory or on disk."""

    limit: int
    used: int = 0

    def take(self, size: int) -> None:
        """Takes space for received bytes. Raises `Refusal` if there is none left."""
        if self.used + size > self.limit:
            message = "The server is receiving too many requests. Try again in a moment."
            raise Refusal(503, ErrorCode.UNAVAILABLE, message, {**RETRY_AFTER, "Connection": "close"})
        self.used += size


class BoundedBody:
    """A `receive` that bounds a body: raises `Refusal` after `limit` bytes, without space, or when late."""

    def __init__(
        self,
        receive: Receive,
        limit: int,
        space: BodySpace,
        seconds: float,
        *,
        idle: bool,
        is_here: bool = False,
    ) -> None:
        self._receive, self._limit, self._space = receive, limit, space
        self._seconds, self._idle, self._is_here = seconds, idle, is_here
        self._deadline: float | None = None
        self._received = 0
        self._complete = False

    async def __call__(self) -> Message:
        """The next message. With `idle`, each part may take the time, otherwise the whole body.

        A body that `is_here` takes none.
        """
        if self._complete:
            return await self._receive()
        if self._is_here:
            return self._count(await self._receive())
        now = asyncio.get_running_loop().time()
        if self._deadline is None or self._idle:
            self._deadline = now + self._seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise Refusal(
                408,
                ErrorCode.REQUEST_TIMEOUT,
                "The request was not received in time.",
                {"Connection": "close"},
            ) from None
        return self._count(message)

    def _count(self, message: Message) -> Message:
        size = len(message.get("body", b""))
        if self._received + size > self._limit:
            raise too_large(self._limit)
        self._space.take(size)
        self._received += size
        self._complete = not message.get("more_body", False)
        return message

    async def read(self) -> bytes:
        """The whole body. Raises `ClientDisconnect` if the client leaves before its end."""
        parts: list[bytes] = []
        while not self._complete:
            message = await self()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def release(self) -> None:
        """Gives the space back."""
        self._space.used -= self._received
        self._received = 0


def too_large(limit: int) -> Refusal:
    """The 413 response for a body over `limit` bytes."""
    return Refusal(
        413, ErrorCode.PAYLOAD_TOO_LARGE, f"The body must be at most {limit} bytes.", {"Connection": "close"}
    )


def check_media_type(request: Request, media: str) -> None:
    """Raises `Refusal` for other bodies than JSON, and for forms that may be cross-site requests."""
    if media == JSON:
        return
    if media != FORM:
        raise Refusal(415, ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Send application/json or multipart/form-data.")
    if not any(name in request.headers for name in PREFLIGHT):
        names = ", ".join(PREFLIGHT)
        raise Refusal(
            403, ErrorCode.CSRF_PREVENTION, f"Multipart requests require one of the headers {names}."
        )


def parse_operation(request: Request, body: bytes) -> dict[str, Any]:
    """The operation of a request without files."""
    if request.method == "GET":
        return validate_operation(from_query_string(request.query_params))
    return validate_operation(parse_json(body, "The body"))


async def read_form(request: Request, limits: TransportLimits) -> dict[str, Any]:
    """The operation of a form, with its uploaded files."""
    return validate_operation(await from_multipart(request, limits))


def validate_operation(value: object) -> dict[str, Any]:
    """Validates the types of an operation's four fields."""
    if isinstance(value, list):
        raise Refusal(
            400,
            ErrorCode.BATCHING_NOT_SUPPORTED,
            "Batching is not supported: send one operation per request.",
        )
    if not isinstance(value, dict):
        raise Refusal(400, ErrorCode.BAD_REQUEST, "The body must be an object.")
    for name, kind, words in SHAPES:
        part = value.get(name)
        if part is not None and not isinstance(part, kind):
            raise Refusal(400, ErrorCode.BAD_REQUEST, f"`{name}` must be {words} or null.")
    return value


def parse_json(text: str | bytes, what: str) -> object:
    """The value of a JSON text. Raises `Refusal`, which names the invalid part."""
    try:
        return decode(text)
    except JSONDecodeError as error:
        raise Refusal(400, ErrorCode.BAD_REQUEST, f"{what} is not valid JSON.") from error


def from_query_string(parameters: Mapping[str, str]) -> dict[str, object]:
    """An operation from a URL, in which variables and extensions are JSON."""
    value: dict[str, object] = dict(parameters)
    for name in ("variables", "extensions"):
        text = parameters.get(name)
        value[name] = parse_json(text, f"`{name}`") if text else None
    return value


async def from_multipart(request: Request, limits: TransportLimits) -> object:
    """An operation with its uploaded files (GraphQL multipart request specification)."""
    try:
        form = await request.form(
            max_files=limits.multipart_files, max_fields=10, max_part_size=limits.json_bytes
        )
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise Refusal(
            507, ErrorCode.EXHAUSTED, "There is no space left for the files. Try again later."
        ) from error
    except (HTTPException, MultiPartException, ValueError, KeyError) as error:
        raise Refusal(400, ErrorCode.BAD_REQUEST, "The multipart body cannot be parsed.") from error
    operations = parse_json(text_field(form.get("operations")), "`operations`")
    paths = parse_json(text_field(form.get("map")), "`map`")
    if not isinstance(operations, dict):
        return operations
    if not isinstance(paths, dict) or not all(is_variable_paths(value) for value in paths.values()):
        raise Refusal(
            400, ErrorCode.BAD_REQUEST, "`map` must give each file a list of paths into `variables`."
        )
    files = {name: form.get(name) for name in paths}
    if not all(isinstance(file, UploadFile) for file in files.values()):
        raise Refusal(400, ErrorCode.BAD_REQUEST, "A file named in `map` is missing.")
    try:
        return replace_placeholders_with_files(operations, paths, files)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Refusal(400, ErrorCode.BAD_REQUEST, "A path in `map` is not in `operations`.") from error


def text_field(value: UploadFile | str | None) -> str:
    """The text of a form field; empty if it is missing or a file."""
    return value if isinstance(value, str) else ""


def is_variable_paths(value: object) -> bool:
    """Whether the value is a list of paths such as `variables.file`."""
    return isinstance(value, list) and all(
        isinstance(path, str) and path.startswith("variables.") for path in value
    )
