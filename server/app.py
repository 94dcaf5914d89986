"""ASGI application: services, lifespan and routes."""

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
from resolvers.identity.jwt import TokenSigner
from schema.contract import make_schema
from schema.framework.context import Services
from server.demo.company import show
from server.graphql.limits import TransportLimits
from server.graphql.view import GraphQLView
from server.http import explorer, files
from server.http.authentication import context_factory
from server.installation import database_urls
from server.provider_factory import open_embedders, open_sources, open_vectors, worker_services
from server.worker import Worker

log = structlog.get_logger(__name__)


@dataclass
class AppState:
    """State of the running application."""

    services: Services | None = None
    preparing: asyncio.Task[None] | None = None

    @property
    def open_services(self) -> Services:
        """The services of the running application."""
        assert self.services is not None
        return self.services


def create_app(settings: Settings, *, demo: bool = False) -> Starlette:
    """The ASGI application; its database must be ready (see `server.installation`).

    With `demo`, the demo company is created on the first start, before the application becomes ready.
    """
    state = AppState()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            state.services = services = await open_services(settings, stack)
            if settings.worker:
                work = worker_services(
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
        lambda: files.FileServices(
            state.open_services.database, state.open_services.store, state.open_services.links
        )
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
    """Opens the services of operations, which the stack closes."""
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
    """Cancels a task and waits for its end."""
    task.cancel()
    await asyncio.wait({task})


async def healthz(request: Request) -> PlainTextResponse:
    """Liveness probe."""
    return PlainTextResponse("alive\n")


def readiness(state: AppState) -> Callable[[Request], Awaitable[PlainTextResponse]]:
    """Readiness probe: 503 unless the database is available and the demo company, if any, is created."""

    async def readyz(request: Request) -> PlainTextResponse:
        if state.preparing is not None and not state.preparing.done():
            return PlainTextResponse("the demo company is being created\n", status_code=503)
        try:
            async with state.open_services.database.platform(read_only=True) as uow:
                await uow.scalar(text("SELECT 1"))
        except (SQLAlchemyError, OSError, TimeoutError):
            return PlainTextResponse("the database is not available\n", status_code=503)
        return PlainTextResponse("ready\n")

    return readyz
