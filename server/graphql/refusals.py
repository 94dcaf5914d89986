"""Error responses to requests that are not executed, and the status of responses without data."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

import structlog
from starlette.responses import Response

from core.errors import DomainError, ErrorCode
from schema.framework.outages import outage
from server.graphql.json import encode

log = structlog.get_logger(__name__)

STATUS = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.EXHAUSTED: 429,
    ErrorCode.EXPIRED: 401,
    ErrorCode.UNAVAILABLE: 503,
}

RETRY_AFTER = {"Retry-After": "1"}
"""Header of responses with status 503: seconds after which the client may try again."""

HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: RETRY_AFTER}
"""Headers of error responses by status."""


class Refusal(Exception):
    """An error response with a status and one error."""

    def __init__(
        self,
        status: int,
        code: ErrorCode,
        message: str,
        headers: Mapping[str, str] | None = None,
        **extensions: str,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self.extensions = {"code": code.value, **extensions}

    def response(self, media_type: str) -> Response:
        """The error as a GraphQL response without data."""
        body = {"errors": [{"message": self.message, "extensions": self.extensions}]}
        return Response(encode(body), self.status, self.headers, media_type=media_type)


def refusal(error: Exception) -> Refusal:
    """The error response for an exception. Unexpected errors are logged and masked by an ID."""
    if isinstance(error, Refusal):
        return error
    known = error if isinstance(error, DomainError) else outage(error)
    if known is not None:
        if known is not error:
            log.warning("request_unavailable", cause=error)
        status = STATUS.get(known.code, 400)
        return Refusal(status, known.code, known.message, HEADERS.get(status))
    error_id = uuid4().hex
    log.error("request_failed", error_id=error_id, exc_info=error)
    return Refusal(500, ErrorCode.INTERNAL_SERVER_ERROR, "Internal error", id=error_id)


def invalid_token(error: DomainError) -> Refusal:
    """The error response to a token that is not accepted (RFC 6750)."""
    challenge = f'Bearer error="invalid_token", error_description="{error.message}"'
    return Refusal(401, error.code, error.message, {"WWW-Authenticate": challenge})


def status_without_data(data: Mapping[str, Any] | None, errors: Iterable[Any]) -> int | None:
    """503 or 429 if no field has a value because of an outage or an exhausted limit, otherwise None."""
    if data is not None and any(value is not None for value in data.values()):
        return None
    codes = {error.get("extensions", {}).get("code") for error in errors}
    causes = (ErrorCode.UNAVAILABLE, ErrorCode.EXHAUSTED)
    return next((STATUS[code] for code in causes if code.value in codes), None)
