"""Middleware: responses to errors that no route handles, so that none reaches the server."""

import asyncio

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import ErrorCode
from server.graphql.refusals import Refusal, refusal

log = structlog.get_logger(__name__)


UNROUTED = {
    404: (ErrorCode.NOT_FOUND, "There is nothing at this path."),
    405: (ErrorCode.METHOD_NOT_ALLOWED, "This path requires another method."),
}
"""Code and message of requests that no route takes, by status."""


class ErrorResponses:
    """Responds with a coded error, or breaks off a response that has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        except ClientDisconnect:
            log.debug("client_disconnected")
        except Exception as error:
            if not started:
                return await refusal(error).response("application/json")(scope, receive, send)
            log.warning("response_broken_off", cause=type(error).__name__)
            await break_off(scope)


async def http_error(request: Request, error: Exception) -> Response:
    """The response to a path or a method that no route has."""
    assert isinstance(error, HTTPException)
    code, message = UNROUTED.get(error.status_code, (ErrorCode.BAD_REQUEST, error.detail))
    return Refusal(error.status_code, code, message, error.headers).response("application/json")


async def break_off(scope: Scope) -> None:
    """Closes the connection, so that the client sees that the response is not complete."""
    connection = scope.get("state", {}).get("connection")
    if connection is not None:
        connection.abort()
        await asyncio.sleep(0)  # until the server knows
