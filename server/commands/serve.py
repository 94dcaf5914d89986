"""The command `seshat serve`: port, signals, and one or several processes."""

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

SHUTDOWN_GRACE_SECONDS = 3
"""Time for which open requests and sockets may continue when the server stops."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class PortTaken(Exception):
    """The port cannot be bound. The message is one line with the reason."""


class Listener(uvicorn.Server):
    """A server that prints when it is ready. Signals are handled by the caller, which stops the database."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Installs no signal handlers."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            announce(self.config)


def announce(config: uvicorn.Config) -> None:
    """Prints the URL of the endpoint."""
    print(f"Seshat is ready at http://{config.host}:{config.port}/graphql", flush=True)


def listen(host: str, port: int) -> socket.socket:
    """Binds a socket, before anything else is started. Raises `PortTaken`."""
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
    """The uvicorn configuration for an application, or for the import path of a factory."""
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
        timeout_graceful_shutdown=SHUTDOWN_GRACE_SECONDS,
    )


def serve(settings: Settings, workers: int = 1) -> None:
    """Serves until a signal stops it. Returns after everything that was started is stopped."""
    with listen(settings.host, settings.port) as bound:
        if workers == 1:
            asyncio.run(serve_in_process(settings, bound))
        else:
            serve_with_workers(settings, bound, workers)


async def serve_in_process(settings: Settings, bound: socket.socket) -> None:
    """Serves in this process."""
    stop = asyncio.Event()
    for stop_signal in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(stop_signal, stop.set)
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


def serve_with_workers(settings: Settings, bound: socket.socket, workers: int) -> None:
    """Serves in several processes that share the port; this process supervises them and the database."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            ready = runner.run(stack.enter_async_context(open_installation(settings)))
            ready = runner.run(stack.enter_async_context(vectors_of(ready)))
            export_settings(ready)
            config = configuration("server.commands.serve:application", ready, workers)
            supervisor = Multiprocess(config, sockets=[bound])
            announce(config)
            supervisor.run()
        finally:
            runner.run(stack.aclose())


def export_settings(settings: Settings) -> None:
    """Exports settings to the environment of child processes."""
    os.environ["DATA"] = str(settings.data)
    os.environ["HOST"], os.environ["PORT"] = settings.host, str(settings.port)
    os.environ["DATABASE_URL"] = settings.database_url or ""
    os.environ["QDRANT_URL"] = settings.qdrant_url or ""
    os.environ["SECRET_KEY"] = settings.secret()


def application() -> Starlette:
    """The application of a child process, configured by its environment."""
    settings = load_settings()
    configure_logging(settings.log_level)
    return create_app(settings)
