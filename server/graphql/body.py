"""Parsing of request bodies: JSON, query strings and multipart forms."""

from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import Message, Receive
from strawberry.file_uploads.utils import replace_placeholders_with_files

from server.graphql.json import decode
from server.graphql.limits import TransportLimits
from server.graphql.refusals import Refusal

PREFLIGHT = (
    "graphql-require-preflight",
    "apollo-require-preflight",
    "x-apollo-operation-name",
    "x-requested-with",
)
"""Headers that require a CORS preflight; one of them is required for multipart requests."""

SHAPES: dict[str, tuple[type, str]] = {
    "query": (str, "a string"),
    "operationName": (str, "a string"),
    "variables": (dict, "an object"),
    "extensions": (dict, "an object"),
}


def limit_body(receive: Receive, limit: int) -> Receive:
    """A `receive` that raises `Refusal` after `limit` bytes."""
    received = 0

    async def receive_within() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise too_large(limit)
        return message

    return receive_within


def too_large(limit: int) -> Refusal:
    """The 413 response for a body over `limit` bytes."""
    return Refusal(
        413, "PAYLOAD_TOO_LARGE", f"The body must be at most {limit} bytes.", {"Connection": "close"}
    )


def media_type(request: Request) -> str:
    """The media type of the body, in lower case, without parameters."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def check_media_type(request: Request) -> None:
    """Raises `Refusal` for other bodies than JSON, and for forms that may be cross-site requests."""
    media = media_type(request)
    if media not in ("application/json", "multipart/form-data"):
        raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "Send application/json or multipart/form-data.")
    if media == "multipart/form-data" and not any(name in request.headers for name in PREFLIGHT):
        names = ", ".join(PREFLIGHT)
        raise Refusal(403, "CSRF_PREVENTION", f"Multipart requests require one of the headers {names}.")


async def read_operation(request: Request, limits: TransportLimits) -> dict[str, Any]:
    """The operation of a request, with valid types of its four fields."""
    if request.method == "GET":
        return operation(from_query_string(request.query_params))
    if media_type(request) == "multipart/form-data":
        return operation(await from_multipart(request, limits))
    return operation(parse_json(await request.body(), "The body"))


def operation(value: object) -> dict[str, Any]:
    """Validates the types of an operation's fields."""
    if isinstance(value, list):
        raise Refusal(
            400, "BATCHING_NOT_SUPPORTED", "Batching is not supported: send one operation per request."
        )
    if not isinstance(value, dict):
        raise Refusal(400, "BAD_REQUEST", "The body must be an object.")
    for name, (kind, words) in SHAPES.items():
        if not isinstance(value.get(name), kind | None):
            raise Refusal(400, "BAD_REQUEST", f"`{name}` must be {words} or null.")
    return value


def parse_json(text: str | bytes, what: str) -> object:
    """The value of a JSON text. Raises `Refusal`, which names the invalid part."""
    try:
        return decode(text)
    except JSONDecodeError as error:
        raise Refusal(400, "BAD_REQUEST", f"{what} is not valid JSON.") from error


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
    except (HTTPException, MultiPartException, ValueError, KeyError) as error:
        raise Refusal(400, "BAD_REQUEST", "The multipart body cannot be parsed.") from error
    operations = parse_json(text_field(form.get("operations")), "`operations`")
    paths = parse_json(text_field(form.get("map")), "`map`")
    if not isinstance(operations, dict):
        return operations
    if not isinstance(paths, dict) or not all(is_variable_paths(value) for value in paths.values()):
        raise Refusal(400, "BAD_REQUEST", "`map` must give each file a list of paths into `variables`.")
    files = {name: form.get(name) for name in paths}
    if not all(isinstance(file, UploadFile) for file in files.values()):
        raise Refusal(400, "BAD_REQUEST", "A file named in `map` is missing.")
    try:
        return replace_placeholders_with_files(operations, paths, files)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Refusal(400, "BAD_REQUEST", "A path in `map` is not in `operations`.") from error


def text_field(value: UploadFile | str | None) -> str:
    """The text of a form field; empty if it is missing or a file."""
    return value if isinstance(value, str) else ""


def is_variable_paths(value: object) -> bool:
    """Whether the value is a list of paths such as `variables.file`."""
    return isinstance(value, list) and all(
        isinstance(path, str) and path.startswith("variables.") for path in value
    )
