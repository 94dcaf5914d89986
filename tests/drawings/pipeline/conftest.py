"""The whole application on a loopback port over the test's PostgreSQL, people who use it, and workers."""

import asyncio
import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
import uvicorn
from sqlalchemy import text
from starlette.routing import WebSocketRoute
from strawberry.relay import GlobalID
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from core.ports import ObjectStore
from core.settings import Settings
from db.database import Database
from db.ids import new_id
from db.listener import Listener
from db.placement import Placement
from providers.storage import open_store
from server.app import create_app
from server.commands.serve import configuration
from server.graphql.view import GraphQLView
from server.provider_factory import open_embedders, open_sources, open_vectors, worker_services
from server.seed import seed
from server.worker import Worker
from tests.conftest import Postgres
from tests.drawings.pipeline import operations
from tests.drawings.pipeline.sample_drawings import DPI, sheets
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60
"""Seconds after which a test gives up waiting."""
RECHECK_SECONDS = 1.0
"""Between two looks at whether a socket's viewer may still be there; the application takes its time."""
PASSWORD = "correct horse battery staple"
QUEUE = ("leases", "fair_shares", "pgqueuer", "pgqueuer_log", "pgqueuer_schedules")
ENDED = ("COMPLETED", "ERROR")


@dataclass(frozen=True)
class Instance:
    """A running application without a worker, and what it stands on."""

    url: str
    settings: Settings
    database: Database
    store: ObjectStore
    listener: Listener

    @asynccontextmanager
    async def working(self, **changes: Any) -> AsyncIterator[Worker]:
        """A worker in this process, with some settings changed."""
        settings = self.settings.model_copy(update=changes)
        async with AsyncExitStack() as stack:
            embedders, vectors = open_embedders(settings, stack), open_vectors(settings, stack)
            sources = open_sources(self.database, settings, stack)
            services = worker_services(self.database, settings, self.store, embedders, vectors, sources)
            listener = Listener(self.database.placement.listen_url, application="test listener")
            async with (
                listener,
                Worker(services, listener, queues=["drawings", "reports", "upkeep"]) as worker,
            ):
                yield worker

    def start_worker(self, module: str = "server", **changes: Any) -> "subprocess.Popen[bytes]":
        """A worker in a process of its own, as an operator starts it; the module may change what it does."""
        changed = {name.upper(): str(value) for name, value in changes.items()}
        environment = {
            "DATABASE_URL": str(self.settings.database_url),
            "DRAWING_DPI": str(self.settings.drawing_dpi),
            "JOB_CONCURRENCY": "1",
            "SECRET_KEY": self.settings.secret(),
            **changed,
        }
        command = [sys.executable, "-m", module, "worker", "--data", str(self.settings.data)]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def objects(self, company_id: UUID) -> dict[str, str]:
        """The key and SHA-256 of everything that is stored for a company."""
        found = {}
        async for stored in self.store.list(str(company_id)):
            digest = hashlib.sha256()
            async for chunk in self.store.read(stored.key):
                digest.update(chunk)
            found[stored.key] = digest.hexdigest()
        return found

    async def rows(self, company_id: UUID, statement: Any) -> list[Any]:
        """What is stored in the company's rows, as the statement asks."""
        async with self.database.tenant(company_id, read_only=True) as uow:
            return list(await uow.all(statement))


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    instance: Instance
    http: httpx.AsyncClient
    token: str
    company_id: UUID
    id: str

    async def ask(self, document: str, **variables: Any) -> Any:
        """The answer's data; errors fail the test."""
        answer = await self.send(document, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def send(self, document: str, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        body = {"query": document, "variables": variables}
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        response = await self.http.post(f"{self.instance.url}/graphql", json=body, headers=headers)
        answer: dict[str, Any] = response.json()
        return answer

    async def do(self, document: str, **variables: Any) -> Any:
        """The payload of a mutation that takes effect."""
        (payload,) = (await self.ask(document, **variables)).values()
        assert payload["errors"] == []
        return payload

    async def refused(self, document: str, **variables: Any) -> Any:
        """The only error of a mutation that is refused."""
        (payload,) = (await self.ask(document, **variables)).values()
        (error,) = payload["errors"]
        return error

    async def put(self, path: Path) -> tuple[str, httpx.Response]:
        """Announce and send a file: the upload's id, and what came back."""
        content = await asyncio.to_thread(path.read_bytes)
        digest = hashlib.sha256(content).hexdigest()
        made = await self.do(operations.ANNOUNCE, filename=path.name, size=len(content), sha256=digest)
        headers = {each["name"]: each["value"] for each in made["upload"]["headers"]}
        answer = await self.http.put(made["upload"]["url"], content=content, headers=headers)
        return made["upload"]["id"], answer

    async def upload(self, path: Path) -> str:
        """The id of a stored upload."""
        id, answer = await self.put(path)
        assert answer.status_code == 204, answer.text
        return id

    async def session(self, old: Path, new: Path, project: str | None = None) -> str:
        """A new session over two files, not begun."""
        uploads = {"old": await self.upload(old), "new": await self.upload(new)}
        made = await self.do(operations.CREATE, **uploads, project=project)
        return str(made["session"]["id"])

    async def begin(self, old: Path, new: Path, project: str | None = None) -> str:
        """A session over two files, under way."""
        id = await self.session(old, new, project)
        await self.start(id)
        return id

    async def start(self, id: str) -> None:
        """Begin a session's work."""
        assert (await self.do(operations.START, id=id))["session"]["status"] == "PROCESSING"

    async def state(self, id: str) -> Any:
        """Where a session stands."""
        return (await self.ask(operations.STATE, id=id))["drawingSession"]

    async def until(self, id: str, condition: Callable[[Any], Any]) -> Any:
        """Wait until something holds for a session, and answer where it stands."""
        return await until(self.instance.listener, lambda: self.state(id), condition, PATIENCE)

    async def ended(self, id: str) -> Any:
        """Where a session stands at its end."""
        return await self.until(id, lambda state: state["status"] in ENDED)

    async def completed(self, id: str) -> Any:
        """All of a session that has to complete."""
        state = await self.ended(id)
        assert state["status"] == "COMPLETED", state
        return (await self.ask(operations.WHOLE, id=id))["drawingSession"]

    async def job(self, id: str, kind: str) -> str:
        """The id of one of a session's stages."""
        jobs = (await self.state(id))["jobs"]["nodes"]
        return str(next(job["id"] for job in jobs if job["jobType"] == kind))

    async def fetch(self, url: str) -> bytes:
        """A stored file, by its signed link."""
        answer = await self.http.get(url)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        return answer.content

    @asynccontextmanager
    async def socket(self) -> AsyncIterator["Socket"]:
        """An open socket, signed in."""
        address = self.instance.url.replace("http", "ws", 1) + "/graphql"
        async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
            opened = Socket(connection)
            payload = {"Authorization": f"Bearer {self.token}"}
            await opened.send(type="connection_init", payload=payload)
            assert (await opened.receive())["type"] == "connection_ack"
            yield opened


class Socket:
    """The client's side of graphql-transport-ws, one operation at a time."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, **message: Any) -> None:
        """Send one message."""
        await self._connection.send(json.dumps(message))

    async def receive(self) -> Any:
        """The next message."""
        async with asyncio.timeout(PATIENCE):
            return json.loads(await self._connection.recv())

    async def subscribe(self, document: str, **variables: Any) -> None:
        """Start an operation."""
        await self.send(type="subscribe", id="1", payload={"query": document, "variables": variables})

    async def event(self) -> Any:
        """The next event's only field."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        (value,) = message["payload"]["data"].values()
        return value

    async def events(self) -> list[Any]:
        """All further events; the server must say that there are no more."""
        found = []
        while (message := await self.receive())["type"] == "next":
            found.append(next(iter(message["payload"]["data"].values())))
        assert message["type"] == "complete", message
        return found

    async def closing(self) -> tuple[int, str]:
        """With which code and reason the server closes."""
        with pytest.raises(ConnectionClosed) as closed:
            await self._drain()
        frame = closed.value.rcvd
        assert frame is not None
        return frame.code, frame.reason

    async def _drain(self) -> None:
        while True:
            await self.receive()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def instance(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    """One application for all of these tests; whoever wants work done asks for a worker too."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        settings = Settings(
            data=tmp_path_factory.mktemp("pipeline"),
            port=bound.getsockname()[1],
            database_url=postgres.application,
            secret_key="a secret that only the tests know of",
            drawing_dpi=DPI,
            worker=False,
            registration="open",
        )
        database = Database(Placement(settings, postgres.application))
        async with database.platform() as uow:
            for table in QUEUE:
                await uow.execute(text(f"DELETE FROM platform.{table}"))
        await seed(database, settings)
        application = create_app(settings)
        for route in application.routes:
            if isinstance(route, WebSocketRoute) and isinstance(route.endpoint, GraphQLView):
                route.endpoint.limits = replace(route.endpoint.limits, recheck_seconds=RECHECK_SECONDS)
        server = uvicorn.Server(configuration(application, settings))
        serving = asyncio.create_task(server.serve([bound]))
        async with asyncio.timeout(PATIENCE):
            while not server.started:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)
        url = f"http://127.0.0.1:{settings.port}"
        async with Listener(database.placement.listen_url, application="test listener") as listener:
            yield Instance(url, settings, database, open_store(settings.object_store_url), listener)
        server.should_exit = True
        await serving
        await database.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def http(instance: Instance) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=PATIENCE, base_url=instance.url) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(instance: Instance) -> AsyncIterator[Worker]:
    """A worker in this process, for a whole module."""
    async with instance.working() as worker:
        yield worker


@pytest_asyncio.fixture
async def person(instance: Instance, http: httpx.AsyncClient) -> Person:
    """The administrator of a company of their own."""
    return await register(instance, http)


async def register(instance: Instance, http: httpx.AsyncClient) -> Person:
    """Somebody new, who administers a company of their own."""
    stranger = Person(instance, http, "", new_id(), "")
    made = await stranger.do(operations.REGISTER, email=f"{new_id()}@example.com", password=PASSWORD)
    company = GlobalID.from_id(made["user"]["company"]["id"])
    return Person(instance, http, made["accessToken"], UUID(company.node_id), made["user"]["id"])


@pytest.fixture
def revisions(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Draws the same sheets in both revisions."""

    def draw(*numbers: str) -> tuple[Path, Path]:
        return sheets(tmp_path / "a.pdf", 0, *numbers), sheets(tmp_path / "b.pdf", 1, *numbers)

    return draw


@pytest.fixture
def processes(instance: Instance) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Starts workers in processes of their own, and ends them after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(module: str = "server", **changes: Any) -> "subprocess.Popen[bytes]":
        started.append(instance.start_worker(module, **changes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(timeout=30)
