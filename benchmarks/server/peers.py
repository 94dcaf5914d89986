"""The servers that are compared: how each is started, and the CPU time of its processes."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
from strawberry.relay import to_base64

from benchmarks.load import operation_request
from benchmarks.processes import cpu_seconds, serve
from benchmarks.server import floor
from benchmarks.server.databases import Databases
from benchmarks.server.rows import tables
from benchmarks.server.shapes import Shape
from core.settings import Settings
from resolvers.identity.jwt import TokenSigner

SECRET = "a secret of the benchmark, 32 characters or more"
VIEWER = 2
"""Number of the signed-in user, a manager."""


@dataclass
class Peer:
    """A running server, its port, and the request of each shape."""

    name: str
    process: psutil.Process
    port: int
    start_seconds: float
    """CPU time of the process until it was ready, without its children."""
    start_memory: int
    """Bytes of memory when it was ready."""
    requests: dict[str, list[bytes]] = field(default_factory=dict)


@contextmanager
def run_floor(databases: Databases, shapes: Mapping[str, Shape]) -> Iterator[Peer]:
    """The floor."""
    command = uvicorn_command("benchmarks.server.floor:app")
    with run("floor", command, {floor.DATABASE: databases.floor_url}) as peer:
        peer.requests = plain_requests(shapes)
        yield peer


@contextmanager
def run_stock(databases: Databases, shapes: Mapping[str, Shape]) -> Iterator[Peer]:
    """Stock Strawberry on the floor's database."""
    command = uvicorn_command("benchmarks.server.stock:app")
    with run("stock", command, {floor.DATABASE: databases.floor_url}) as peer:
        peer.requests = plain_requests({name: shape for name, shape in shapes.items() if shape.plain})
        yield peer


@contextmanager
def run_seshat(
    databases: Databases, shapes: Mapping[str, Shape], settings: Mapping[str, str], *, profile: bool = False
) -> Iterator[Peer]:
    """Seshat as it is served, without a worker, read by a user who is not the admin."""
    environment = {
        "DATA": str(databases.data / "seshat"),
        "DATABASE_URL": databases.seshat_url,
        "SECRET_KEY": SECRET,
        "WORKER": "false",
        "LOG_LEVEL": "WARNING",
        "ACCESS_TOKEN_TTL": "86400",
        **settings,
    }
    module = "benchmarks.server.profiling" if profile else "server"
    command = [sys.executable, "-m", module, "serve"]
    signer = TokenSigner.of(Settings(secret_key=SECRET, access_token_ttl=86_400))
    token = signer.access_token(tables()["users"][VIEWER]["id"])
    with run("Seshat", command, environment) as peer:
        peer.requests = {
            name: [
                operation_request(shape.document, variables, name, token)
                for variables in shape.variables(to_base64)
            ]
            for name, shape in shapes.items()
        }
        yield peer


def plain_requests(shapes: Mapping[str, Shape]) -> dict[str, list[bytes]]:
    """Requests in the floor's words, with bare IDs."""
    return {
        name: [
            operation_request(shape.plain or "", variables, name)
            for variables in shape.variables(lambda type, id: str(id))
        ]
        for name, shape in shapes.items()
    }


def uvicorn_command(application: str) -> list[str]:
    """The command that serves an application with uvloop and httptools; its port is an option."""
    fast = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return [sys.executable, "-m", "uvicorn", application, *fast]


@contextmanager
def run(name: str, command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Peer]:
    """Runs a server."""
    with serve(environment, command) as (process, port):
        yield Peer(name, process, port, cpu_seconds(process, descendants=False), process.memory_info().rss)
