"""The ASGI application: routes, with a short cut to the GraphQL endpoint."""

from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

ENDPOINT = "/graphql"
"""Path of the GraphQL endpoint."""


class Application(Starlette):
    """Passes requests of the endpoint through the middleware only; routing them takes as long as the rest."""

    def __init__(self, endpoint: ASGIApp, **options: Any) -> None:
        super().__init__(**options)
        for middleware, arguments, keywords in reversed(self.user_middleware):
            endpoint = middleware(endpoint, *arguments, **keywords)
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == ENDPOINT:
            scope["app"] = self
            await self._endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
