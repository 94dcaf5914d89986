"""The application: what is open as long as it serves, and where each address leads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from core.settings import Settings
from db.engines import Placement
from db.uow import Database
from server.installation import addresses


def create_app(settings: Settings) -> Starlette:
    """The ASGI application over a database that is ready; see `server.installation`."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        application, _ = addresses(settings)
        app.state.database = Database(Placement(settings, application))
        try:
            yield
        finally:
            await app.state.database.close()

    return Starlette(lifespan=lifespan, routes=[Route("/healthz", healthz), Route("/readyz", readyz)])


async def healthz(request: Request) -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("alive\n")


async def readyz(request: Request) -> PlainTextResponse:
    """The database answers too; 503 otherwise."""
    try:
        async with request.app.state.database.platform(read_only=True) as uow:
            await uow.scalar(text("SELECT 1"))
    except (SQLAlchemyError, OSError, TimeoutError):
        return PlainTextResponse("the database does not answer\n", status_code=503)
    return PlainTextResponse("ready\n")
