"""Error responses to requests that are not executed."""

from collections.abc import Mapping
from uuid import uuid4

import structlog
from starlette.responses import Response

from core.errors import DomainError, ErrorCode
from server.graphql.json import encode

log = structlog.get_logger(__name__)

STATUS = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.EXHAUSTED: 429,
    ErrorCode.EXPIRED: 401,
}


class Refusal(Exception):
    """An error response with a status and one error."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        **extensions: str,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self.extensions = {"code": code, **extensions}

    def response(self, media_type: str) -> Response:
        """The error as a GraphQL response without data."""
        body = {"errors": [{"message": self.message, "extensions": self.extensions}]}
        return Response(encode(body), self.status, self.headers, media_type=media_type)


def refusal(error: Exception) -> Refusal:
    """The error response for an exception. Unexpected errors are logged and masked by an ID."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, DomainError):
        status = STATUS.get(error.code, 400)
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        return Refusal(status, error.code.value, error.message, headers)
    error_id = uuid4().hex
    log.error("request_failed", error_id=error_id, exc_info=error)
    return Refusal(500, "INTERNAL_SERVER_ERROR", "Internal error", id=error_id)
