"""ASGI application: services, lifespan and routes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Route, WebSocketRoute
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from core.settings import Settings
from db.database import Database
from db.events import Events
from db.listener import Listener
from db.placement import Placement
from providers.storage import open_store
from resolvers.files import LinkSigner
from resolvers.identity.jwt import TokenSigner
from resolvers.identity.viewers import Viewers
from schema.contract import make_schema
from schema.framework.context import Services
from schema.framework.operation_size import Limits
from schema.identity.sign_in import PUBLIC_MUTATIONS
from server.execution_metric import log_executions
from server.graphql.admission import Admission, AdmissionLimits
from server.graphql.limits import TransportLimits
from server.graphql.view import GraphQLView
from server.http import browser_session, explorer, files
from server.http.application import ENDPOINT, Application
from server.http.authentication import Authentication
from server.http.contract import contract as contract_text
from server.http.cross_origin import CrossOriginRequests
from server.http.error_responses import ErrorResponses, http_error
from server.http.response_headers import ResponseHeaders
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
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Admission]]:
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
                from server.demo.company import show

                state.preparing = asyncio.create_task(show(services))
                stack.push_async_callback(cancel, state.preparing)
            metric = asyncio.create_task(log_executions(contract.executions))
            stack.push_async_callback(cancel, metric)
            services.viewers.on_change.append(view.sessions.check_soon)
            app.state.database = services.database
            yield {"admission": admission}

    admission = Admission(admission_limits(settings))
    authentication = Authentication(lambda: state.open_services)
    contract = make_schema(
        operation_limits(settings),
        compiled=settings.compiled_executor,
        introspection=settings.introspection,
    )
    view = GraphQLView(
        contract,
        authentication.open_context,
        limits=transport_limits(settings),
        explorer=explorer.explorer if settings.explorer else None,
        admission=admission,
        identify_caller=authentication.identify_caller,
        public_fields=PUBLIC_MUTATIONS,
    )
    proxies = Middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    wiring = files.routes(
        lambda: files.FileServices(
            state.open_services.database,
            state.open_services.store,
            state.open_services.links,
            state.open_services.viewers,
        )
    )
    app = Application(
        view,
        lifespan=lifespan,
        middleware=[
            *([proxies] if settings.trusted_proxies else []),
            Middleware(ResponseHeaders),
            Middleware(CrossOriginRequests, settings.cors_origins),
            Middleware(ErrorResponses),
        ],
        exception_handlers={HTTPException: http_error},
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readiness(state)),
            Route(ENDPOINT, view),
            WebSocketRoute(ENDPOINT, view),
            *([Route(f"{ENDPOINT}/schema.graphql", contract_text)] if settings.introspection else []),
            explorer.assets(),
            *wiring,
            browser_session.route(lambda: state.open_services),
            *([explorer.PageRoute()] if settings.workbench else []),
            Route("/", lambda request: RedirectResponse(ENDPOINT)),
        ],
    )
    app.router.redirect_slashes = False  # such a redirect would lead to the host that the client named
    return app


def transport_limits(settings: Settings) -> TransportLimits:
    """The transport limits of an installation."""
    return TransportLimits(
        multipart_bytes=settings.max_upload_size + 1_000_000,
        multipart_space=max(settings.max_form_space, settings.max_upload_size + 1_000_000),
        body_seconds=settings.request_timeout,
        allowed_origins=settings.cors_origins,
    )


def admission_limits(settings: Settings) -> AdmissionLimits:
    """The limits of concurrent operations of an installation."""
    return AdmissionLimits(
        operations=settings.max_operations,
        slow_operations=8 * settings.max_operations,
        waiting=settings.max_waiting_operations,
        waiting_seconds=settings.operation_queue_timeout,
        held=settings.max_unfinished_requests,
    )


def operation_limits(settings: Settings) -> Limits:
    """The limits of documents that the settings give."""
    return Limits(
        characters=settings.query_characters,
        tokens=settings.query_tokens,
        depth=settings.query_depth,
        fields=settings.query_fields,
        aliases=settings.query_aliases,
        reads=settings.query_reads,
        cost=settings.query_cost,
        introspection=settings.query_introspection,
        result=settings.query_result,
        rows=settings.query_rows,
    )


async def open_services(settings: Settings, stack: AsyncExitStack) -> Services:
    """Opens the services of operations, which the stack closes."""
    application, _ = database_urls(settings)
    database = Database(Placement(settings, application))
    stack.push_async_callback(database.close)
    listener = await stack.enter_async_context(Listener(database.placement.listen_url))
    await stack.enter_async_context(database.placement.watch(listener))
    events = await stack.enter_async_context(Events(listener, database.placement))
    viewers = await stack.enter_async_context(Viewers(database, listener))
    return Services(
        settings=settings,
        database=database,
        events=events,
        store=open_store(settings.object_store_url),
        embedders=open_embedders(settings, stack, preload=settings.worker),
        vectors=open_vectors(settings, stack, preload=settings.worker),
        sources=open_sources(database, settings, stack),
        prices=settings.prices,
        links=LinkSigner(settings.secret(), timedelta(seconds=settings.link_ttl), settings.public_url),
        token_signer=TokenSigner.of(settings),
        viewers=viewers,
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
        except Exception as error:
            log.warning("database_not_available", cause=type(error).__name__)
            return PlainTextResponse("the database is not available\n", status_code=503)
        return PlainTextResponse("ready\n")

    return readyz
