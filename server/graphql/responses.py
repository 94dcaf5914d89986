"""Single responses: one JSON body with the result of an operation."""

from collections.abc import Mapping
from typing import Any, Protocol

from graphql import GraphQLError
from starlette.responses import Response
from strawberry.http import GraphQLHTTPResponse

from schema.framework.error_masking import mask_error
from server.graphql.compression import MIN_COMPRESSED_BYTES, accepted_encoding, compress
from server.graphql.json import encode
from server.graphql.negotiation import GRAPHQL, JSON
from server.graphql.refusals import HEADERS, status_without_data

FIXED_HEADERS = {
    media: (
        (b"content-type", media.encode()),
        (b"vary", b"Accept"),
        (b"cache-control", b"no-store"),
    )
    for media in (JSON, GRAPHQL)
}
"""Headers of single responses by media type, as they are sent."""


class Result(Protocol):
    """The result of an operation, or the first of several."""

    @property
    def data(self) -> dict[str, Any] | None: ...
    @property
    def errors(self) -> list[GraphQLError] | None: ...
    @property
    def extensions(self) -> dict[str, Any] | None: ...


class SingleResponse(Response):
    """A response with an encoded body. Most of its headers are encoded once."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Adds its own headers to the fixed ones of the media type."""
        self.raw_headers = [
            (b"content-length", b"%d" % len(self.body)),
            *FIXED_HEADERS[self.media_type or JSON],
            *((name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()),
        ]

    async def compress(self, accept_encoding: str | None) -> None:
        """Compresses a body that is large enough, if the client accepts it."""
        if len(self.body) < MIN_COMPRESSED_BYTES:
            return
        self.headers["vary"] = "Accept, Accept-Encoding"
        encoding = accepted_encoding(accept_encoding)
        if encoding is not None:
            self.body = await compress(bytes(self.body), encoding)
            self.headers["content-encoding"] = encoding
            self.headers["content-length"] = str(len(self.body))


def response_body(result: Result) -> GraphQLHTTPResponse:
    """The body of a response, without `data` if the operation was not executed."""
    body: GraphQLHTTPResponse = {}
    if result.errors:
        errors = [mask_error(error) for error in result.errors]
        body["errors"] = [error.formatted for error in errors]
        if result.data is not None or any(error.path for error in errors):
            body["data"] = result.data
    else:
        body["data"] = result.data
    if result.extensions:
        body["extensions"] = result.extensions
    return body


def single_response(result: Result, media_type: str) -> Response:
    """The response with the result of an operation."""
    return single_response_of(response_body(result), media_type)


def single_response_of(body: Mapping[str, Any], media_type: str) -> Response:
    """The response with this body. 503 after an outage; 400 if nothing was executed, except with JSON."""
    status = 200
    headers: dict[str, str] = {}
    if "errors" in body:
        status = 400 if media_type == GRAPHQL and "data" not in body else 200
        status = status_without_data(body.get("data"), body["errors"]) or status
        headers |= HEADERS.get(status, {})
    if cost := body.get("extensions", {}).get("cost"):
        headers["x-query-cost"] = str(cost["requested"])
    return SingleResponse(encode(body), status, headers, media_type=media_type)
