"""The toy schema, called in this process over HTTP and served on a loopback port for sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette

from server.graphql.admission import Admission
from server.http.protocol import HeaderLimits, TimedHttpProtocol
from server.http.socket_protocol import Pings, SocketProtocol
from tests.server.graphql.toy_schema import Contexts, application


@pytest.fixture
def contexts() -> Contexts:
    """Every context that the test opened."""
    return Contexts()


def client_of(app: Starlette) -> httpx.AsyncClient:
    """A client that calls an application in this process."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://toy")


@pytest_asyncio.fixture
async def http(contexts: Contexts) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the toy; when the test is over, every context must have been closed."""
    async with client_of(application(contexts)) as client:
        yield client
    assert all(context.closed for context in contexts.opened)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so, 10 seconds at most."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serve_app(
    app: Starlette, limits: HeaderLimits | None = None, admission: Admission | None = None
) -> AsyncIterator[str]:
    """Serve an application on a free loopback port; gives `host:port`."""
    listener = socket.create_server(("127.0.0.1", 0))
    http: Any = partial(TimedHttpProtocol, limits=limits or HeaderLimits(seconds=20, connections=100))
    ws: Any = partial(SocketProtocol, pings=Pings())
    config = uvicorn.Config(
        app,
        http=http,
        ws=ws,
        ws_per_message_deflate=False,
        log_level="critical",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    if admission is not None:
        server.lifespan.state["admission"] = admission
    try:
        yield "{}:{}".format(*listener.getsockname())
    finally:
        server.should_exit = True
        await running
        listener.close()
