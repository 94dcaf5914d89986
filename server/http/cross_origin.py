"""Middleware: requests from pages of other origins."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from core.errors import ErrorCode
from server.graphql.refusals import Refusal


class CrossOriginRequests(CORSMiddleware):
    """Lets pages of the listed origins send requests, and tells others which setting lists them."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT"],
            allow_headers=["*"],
            expose_headers=[
                "Accept-Ranges",
                "Content-Disposition",
                "Content-Range",
                "ETag",
                "Retry-After",
                "WWW-Authenticate",
                "X-Request-Id",
            ],
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a preflight request; a refusal names the setting."""
        origin = request_headers["origin"]
        if not self.is_allowed_origin(origin):
            message = (
                f"Pages of {origin[:200]} may not send requests: the setting CORS_ORIGINS does not list it."
            )
            return Refusal(403, ErrorCode.ORIGIN_NOT_ALLOWED, message).response("application/json")
        return super().preflight_response(request_headers)
