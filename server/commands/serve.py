"""Serving: the port, the signals, and one process or several."""

import asyncio
import os
import signal
import socket
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager

import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from core.settings import Settings, load_settings
from server.app import create_app
from server.embedded.vectors import vectors_of
from server.installation import open_installation
from server.logging import configure_logging

GRACE_SECONDS = 3
"""How long open requests and sockets may take to end when the server stops."""

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class PortTaken(Exception):
    """Nobody can listen there; the message is one line that says why."""


class Listener(uvicorn.Server):
    """A server that says when it is ready. Signals are left to its caller, who has a database to stop."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take no signal."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            announce(self.config)


def announce(config: uvicorn.Config) -> None:
    """Tell a person where to go."""
    print(f"Seshat is ready at http://{config.host}:{config.port}/graphql", flush=True)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to that address, before anything else is started. Raises `PortTaken`."""
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise PortTaken(f"cannot listen on {host} port {port}: {error.strerror}") from error
    bound.set_inheritable(True)
    return bound


def configuration(app: Starlette | str, settings: Settings, workers: int = 1) -> uvicorn.Config:
    """How uvicorn serves the application, or the factory of that name."""
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def serve(settings: Settings, workers: int = 1) -> None:
    """Serve until a signal says to stop; everything that was started is stopped before this returns."""
    with listen(settings.host, settings.port) as bound:
        if workers == 1:
            asyncio.run(serve_alone(settings, bound))
        else:
            serve_together(settings, bound, workers)


async def serve_alone(settings: Settings, bound: socket.socket) -> None:
    """Serve in this process."""
    stop = asyncio.Event()
    for ending in ENDINGS:
        asyncio.get_running_loop().add_signal_handler(ending, stop.set)
    async with open_installation(settings) as database, vectors_of(database) as ready:
        listener = Listener(
            configuration(create_app(ready, demo=settings.is_embedded and settings.demo), ready)
        )
        serving = asyncio.create_task(listener.serve([bound]))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
        listener.should_exit = True
        stopped.cancel()
        await serving


def serve_together(settings: Settings, bound: socket.socket, workers: int) -> None:
    """Serve in several processes that share the port; this one keeps them and the database alive."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            ready = runner.run(stack.enter_async_context(open_installation(settings)))
            ready = runner.run(stack.enter_async_context(vectors_of(ready)))
            hand_down(ready)
            config = configuration("server.commands.serve:application", ready, workers)
            supervisor = Multiprocess(config, sockets=[bound])
            announce(config)
            supervisor.run()
        finally:
            runner.run(stack.aclose())


def hand_down(settings: Settings) -> None:
    """Put into the environment what child processes could not find out for themselves."""
    os.environ["DATA"] = str(settings.data)
    os.environ["HOST"], os.environ["PORT"] = settings.host, str(settings.port)
    os.environ["DATABASE_URL"] = settings.database_url or ""
    os.environ["QDRANT_URL"] = settings.qdrant_url or ""
    os.environ["SECRET_KEY"] = settings.secret()


def application() -> Starlette:
    """The application of one of several serving processes, by its environment."""
    settings = load_settings()
    configure_logging(settings.log_level)
    return create_app(settings)
