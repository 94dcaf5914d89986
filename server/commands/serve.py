"""The command `seshat serve`: port, signals, and one or several processes."""

import asyncio
import http.client
import multiprocessing
import os
import resource
import signal
import socket
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack, contextmanager
from functools import partial

import uvicorn
import uvloop
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from core.errors import InstallationError
from core.garbage_collection import freeze_heap
from core.imports import load
from core.settings import Settings, SettingsError, load_settings
from server.embedded.vectors import vectors_of
from server.http.protocol import HeaderLimits, TimedHttpProtocol
from server.http.socket_protocol import Pings, SocketProtocol
from server.installation import open_installation
from server.logging import configure_logging

SHUTDOWN_GRACE_SECONDS = 3
"""Time for which open requests and sockets may continue when the server stops."""

BACKLOG = 256
"""Connections that the kernel accepts ahead of the server: those whose clients have left delay all others."""

CHILD_ANSWER_SECONDS = 20
"""Time for a child process to answer its supervisor, before it is replaced: it may be busy or paused."""
CHILD_STOP_SECONDS = 10.0
"""Time for child processes to stop before they are killed, beside that of running jobs."""
READY_POLL_SECONDS = 0.1

MAX_FILES = 65_536

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class PortTaken(InstallationError):
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
            freeze_heap()
            announce(self.config)


class Supervisor(Multiprocess):
    """Child processes that share a port. Prints when the first of them answers."""

    def __init__(self, config: uvicorn.Config, bound: socket.socket, *, stop_seconds: float) -> None:
        super().__init__(config, [bound])
        self._stop_seconds = stop_seconds

    def run(self) -> None:
        threading.Thread(target=self._announce, daemon=True).start()
        super().run()

    def join_all(self) -> None:
        """Waits for all child processes, and kills those that do not stop."""
        deadline = time.monotonic() + self._stop_seconds
        for child in self.processes:
            child.process.join(max(0.0, deadline - time.monotonic()))
            child.process.kill()
            child.process.join()

    def _announce(self) -> None:
        address, port = self.sockets[0].getsockname()[:2]
        while not self.should_exit.wait(READY_POLL_SECONDS):
            if is_answering(address, port):
                announce(self.config)
                return


def is_answering(address: str, port: int) -> bool:
    """Whether a server responds to its liveness probe."""
    connection = http.client.HTTPConnection(address, port, timeout=CHILD_ANSWER_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def announce(config: uvicorn.Config) -> None:
    """Prints the URL of the endpoint."""
    print(f"Seshat is ready at http://{config.host}:{config.port}/", flush=True)


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
        proxy_headers=False,  # the application believes those of TRUSTED_PROXIES
        backlog=BACKLOG,
        http=partial(TimedHttpProtocol, limits=header_limits(settings)),  # type: ignore[arg-type]
        ws=partial(SocketProtocol, pings=Pings()),  # type: ignore[arg-type]
        ws_per_message_deflate=False,  # it takes 40 kB and as much time as the rest for each socket
        loop="uvloop",
        timeout_graceful_shutdown=SHUTDOWN_GRACE_SECONDS,
        timeout_worker_healthcheck=CHILD_ANSWER_SECONDS,
    )


def run(settings: Settings, options: Namespace) -> int:
    """`seshat serve`."""
    if options.workers < 1:
        raise SettingsError("--workers: must be at least 1")
    settings.secret()
    raise_file_limit()
    serve(settings, options.workers)
    return 0


def raise_file_limit() -> None:
    """Allows `MAX_FILES` open sockets and files, or as many as the system does: the usual limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(MAX_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def header_limits(settings: Settings) -> HeaderLimits:
    """The limits of requests that are received slowly."""
    return HeaderLimits(settings.request_timeout, settings.max_unfinished_requests)


def serve(settings: Settings, workers: int = 1) -> None:
    """Serves until a signal stops it. Returns after everything that was started is stopped."""
    with listen(settings.host, settings.port) as bound:
        if workers == 1:
            uvloop.run(serve_in_process(settings, bound))
        else:
            serve_with_workers(settings, bound, workers)


async def serve_in_process(settings: Settings, bound: socket.socket) -> None:
    """Serves in this process."""
    stop = asyncio.Event()
    for stop_signal in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(stop_signal, stop.set)
    async with AsyncExitStack() as stack:
        ready, create_app = await asyncio.gather(
            start_servers(settings, stack), asyncio.to_thread(load, "server.app:create_app")
        )
        listener = Listener(
            configuration(create_app(ready, demo=settings.is_embedded and settings.demo), ready)
        )
        serving = asyncio.create_task(listener.serve([bound]))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
        listener.should_exit = True
        stopped.cancel()
        await serving


async def start_servers(settings: Settings, stack: AsyncExitStack) -> Settings:
    """Starts the database and the vector store, for the lifetime of the stack. Returns their settings."""
    database, vectors = await asyncio.gather(
        stack.enter_async_context(open_installation(settings)),
        stack.enter_async_context(vectors_of(settings)),
        return_exceptions=True,  # so that both are started or stopped when the first error is raised
    )
    if isinstance(database, BaseException):
        raise database
    if isinstance(vectors, BaseException):
        raise vectors
    return database.model_copy(update={"qdrant_url": vectors.qdrant_url})


def serve_with_workers(settings: Settings, bound: socket.socket, workers: int) -> None:
    """Serves in several processes that share the port; this process supervises them and the database."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            ready = runner.run(start_servers(settings, stack))
            export_settings(ready)
            config = configuration("server.commands.serve:application", ready, workers)
            Supervisor(config, bound, stop_seconds=CHILD_STOP_SECONDS + settings.job_grace).run()
        finally:
            runner.run(stack.aclose())


def export_settings(settings: Settings) -> None:
    """Exports settings to the environment of child processes."""
    os.environ["DATA"] = str(settings.data)
    os.environ["HOST"], os.environ["PORT"] = settings.host, str(settings.port)
    os.environ["DATABASE_URL"] = settings.database_url or ""
    os.environ["DATABASE_ADMIN_URL"] = settings.database_admin_url or ""
    os.environ["QDRANT_URL"] = settings.qdrant_url or ""
    os.environ["SECRET_KEY"] = settings.secret()


def application() -> Starlette:
    """The application of a child process, configured by its environment."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    settings = load_settings()
    configure_logging(settings.log_level)
    create_app: Callable[[Settings], Starlette] = load("server.app:create_app")
    app = create_app(settings)
    freeze_heap()
    return app


def end_with_parent() -> None:
    """Ends this process as soon as its parent has ended: it would hold the port without a database."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
