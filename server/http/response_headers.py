"""Middleware: headers that every response has, and the ID under which the log knows the request."""

import re
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

REQUEST_ID = re.compile(rb"[\w.-]{8,64}")
"""IDs of requests that are taken from clients and proxies."""
HSTS = (b"strict-transport-security", b"max-age=31536000")
NOSNIFF = (b"x-content-type-options", b"nosniff")


class ResponseHeaders:
    """Adds `X-Request-Id`, of the client or a new one, `nosniff`, and HSTS if the request came over TLS."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        clear_contextvars()
        bind_contextvars(request_id=request_id.decode())
        added = [(b"x-request-id", request_id), NOSNIFF]
        if scope["scheme"] == "https":
            added.append(HSTS)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def request_id_of(scope: Scope) -> bytes:
    """The ID that the request has, if it is a plain one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return bytes(value)
    return uuid4().hex.encode()
