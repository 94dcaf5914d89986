"""The application: what is open as long as it serves, and where each address leads."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Route, WebSocketRoute

from core.settings import Settings
from db.engines import Placement
from db.events import Events, Listener
from db.uow import Database
from providers.storage import open_store
from resolvers.files import LinkSigner
from resolvers.identity.tokens import TokenSigner
from schema.contract import make_schema
from schema.framework.context import Services
from server.demo.company import show
from server.graphql.limits import TransportLimits
from server.graphql.view import GraphQLView
from server.http import explorer, files
from server.http.authentication import context_factory
from server.installation import database_urls
from server.provider_factory import open_embedders, open_sources, open_vectors, working
from server.worker import Worker

log = structlog.get_logger(__name__)


@dataclass
class AppState:
    """What the application holds while it serves."""

    services: Services | None = None
    preparing: asyncio.Task[None] | None = None

    @property
    def open_services(self) -> Services:
        """The services; only asked for between start and end."""
        assert self.services is not None
        return self.services


def create_app(settings: Settings, *, demo: bool = False) -> Starlette:
    """The ASGI application over a database that is ready; see `server.installation`.

    With `demo`, a company with people and a finished comparison is made the first time, before it is ready.
    """
    state = AppState()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            state.services = services = await open_services(settings, stack)
            if settings.worker:
                work = working(
                    services.database,
                    settings,
                    services.store,
                    services.embedders,
                    services.vectors,
                    services.sources,
                )
                await stack.enter_async_context(Worker(work, services.events.listener))
            if demo:
                state.preparing = asyncio.create_task(show(services))
                stack.push_async_callback(cancel, state.preparing)
            app.state.database = services.database
            yield

    limits = TransportLimits(
        multipart_bytes=settings.max_upload_size + 1_000_000, allowed_origins=settings.cors_origins
    )
    view = GraphQLView(
        make_schema(), context_factory(lambda: state.open_services), limits=limits, explorer=explorer.explorer
    )
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST", "PUT"],
        allow_headers=["*"],
        expose_headers=["Accept-Ranges", "Content-Disposition", "Content-Range", "ETag"],
    )
    wiring = files.routes(
        lambda: files.Wiring(state.open_services.database, state.open_services.store, state.open_services.links)
    )
    return Starlette(
        lifespan=lifespan,
        middleware=[cors] if settings.cors_origins else [],
        routes=[
            Route("/", lambda request: RedirectResponse("/graphql")),
            Route("/healthz", healthz),
            Route("/readyz", readiness(state)),
            Route("/graphql", view),
            WebSocketRoute("/graphql", view),
            explorer.assets(),
            *wiring,
        ],
    )


async def open_services(settings: Settings, stack: AsyncExitStack) -> Services:
    """What operations share, open until the stack's end."""
    application, _ = database_urls(settings)
    database = Database(Placement(settings, application))
    stack.push_async_callback(database.close)
    listener = await stack.enter_async_context(Listener(database.placement.primary.url))
    events = await stack.enter_async_context(Events(listener))
    return Services(
        settings=settings,
        database=database,
        events=events,
        store=open_store(settings.object_store_url),
        embedders=open_embedders(settings, stack),
        vectors=open_vectors(settings, stack),
        sources=open_sources(database, settings, stack),
        prices=settings.prices,
        links=LinkSigner(settings.secret(), timedelta(seconds=settings.link_ttl), settings.public_url),
        token_signer=TokenSigner.of(settings),
    )


async def cancel(task: asyncio.Task[None]) -> None:
    """End a task that is not needed any more."""
    task.cancel()
    await asyncio.wait({task})


async def healthz(request: Request) -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("alive\n")


def readiness(state: AppState) -> Callable[[Request], Awaitable[PlainTextResponse]]:
    """Ready when the database answers and the demo, if any, is made; 503 otherwise."""

    async def readyz(request: Request) -> PlainTextResponse:
        if state.preparing is not None and not state.preparing.done():
            return PlainTextResponse("the demo is being made\n", status_code=503)
        try:
            async with state.open_services.database.platform(read_only=True) as uow:
                await uow.scalar(text("SELECT 1"))
        except (SQLAlchemyError, OSError, TimeoutError):
            return PlainTextResponse("the database does not answer\n", status_code=503)
        return PlainTextResponse("ready\n")

    return readyz
