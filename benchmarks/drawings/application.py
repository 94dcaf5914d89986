"""The whole application in processes of their own: a server without a worker, workers, and a person."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self
from uuid import uuid4

import httpx
import psutil
from strawberry.relay import GlobalID

from benchmarks.processes import cpu_seconds, serve
from tests.drawings.pipeline import operations

REQUEST_SECONDS = 120
POLL_SECONDS, SAMPLE_SECONDS = 0.3, 0.5
PAGE_SIZE = 50
PASSWORD = "correct horse battery staple"

STAGES = """query ($id: ID!) { drawingSession(id: $id) { status errorMessage
  jobs(orderBy: CREATED_AT_ASC) { nodes { jobType status progress attempts } } } }"""

SHEETS = """query ($id: ID!, $first: Int!, $after: String) { drawingSession(id: $id) {
  drawings(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes {
    drawingType pageNumber drawingName filename originalFilename state errorMessage drawingMetadata warnings
    pairReason } } } }"""

PAIRS = """query ($id: ID!, $first: Int!, $after: String) { drawingSession(id: $id) {
  comparisons(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes {
    drawingName state errorMessage alignmentScore lowConfidence changeRatio changesDetected
    oldDrawing { pageNumber drawingName } newDrawing { pageNumber drawingName }
    changes { kind area description box { x y width height } words { removed added } }
    words { removed added }
    analysisResults { nodes { drawingName success errorMessage changesFound criticalChange analysisSummary
      recommendations } } } } } }"""


@dataclass
class Application:
    """A running server, and a person who is signed in."""

    folder: Path
    server: psutil.Process
    http: httpx.Client
    environment: dict[str, str]
    company: str = ""
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def ask(self, document: str, **variables: Any) -> Any:
        """The answer's data. Raises `RuntimeError` for errors."""
        answer = self.http.post("/graphql", json={"query": document, "variables": variables}).json()
        if answer.get("errors"):
            raise RuntimeError(str(answer["errors"]))
        return answer["data"]

    def do(self, document: str, **variables: Any) -> Any:
        """The payload of a mutation. Raises `RuntimeError` if it is refused."""
        (payload,) = self.ask(document, **variables).values()
        if payload["errors"]:
            raise RuntimeError(str(payload["errors"]))
        return payload

    def register(self) -> None:
        """Makes a company and its administrator, and signs in."""
        made = self.do(operations.REGISTER, email=f"{uuid4().hex}@example.com", password=PASSWORD)
        self.http.headers["Authorization"] = f"Bearer {made['accessToken']}"
        self.company = GlobalID.from_id(made["user"]["company"]["id"]).node_id

    def start_worker(self) -> "subprocess.Popen[bytes]":
        """A worker of drawings in a process of its own."""
        command = [sys.executable, "-m", "server", "worker", "--data", str(self.folder)]
        process = subprocess.Popen(
            [*command, "--queues", "drawings"],
            env=os.environ | self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.workers.append(process)
        return process

    def upload(self, path: Path) -> str:
        """The id of a stored upload."""
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        made = self.do(operations.ANNOUNCE, filename=path.name, size=len(content), sha256=digest)["upload"]
        headers = {each["name"]: each["value"] for each in made["headers"]}
        self.http.put(made["url"], content=content, headers=headers).raise_for_status()
        return str(made["id"])

    def session(self, old: Path, new: Path) -> str:
        """A session over two files, not begun."""
        made = self.do(operations.CREATE, old=self.upload(old), new=self.upload(new), project=None)
        return str(made["session"]["id"])

    def begin(self, session: str) -> None:
        self.do(operations.START, id=session)

    def stages(self, session: str) -> Any:
        """The session's status and jobs."""
        return self.ask(STAGES, id=session)["drawingSession"]

    def until(self, session: str, condition: Callable[[Any], bool]) -> Any:
        """Waits until something holds for a session's stages. Raises `RuntimeError` if the session fails."""
        while not condition(state := self.stages(session)):
            if state["status"] == "ERROR":
                raise RuntimeError(str(state["errorMessage"]))
            time.sleep(POLL_SECONDS)
        return state

    def complete(self, session: str) -> Any:
        return self.until(session, lambda state: state["status"] == "COMPLETED")

    def rows(self, session: str) -> dict[str, list[Any]]:
        """The pages and comparisons of a session as the API shows them, without ids and links."""
        return {
            "drawings": self.nodes(SHEETS, "drawings", session),
            "comparisons": self.nodes(PAIRS, "comparisons", session),
        }

    def nodes(self, document: str, name: str, session: str) -> list[Any]:
        found: list[Any] = []
        after = None
        while True:
            data = self.ask(document, id=session, first=PAGE_SIZE, after=after)["drawingSession"][name]
            found += data["nodes"]
            if not data["pageInfo"]["hasNextPage"]:
                return sorted(found, key=lambda node: json.dumps(node, sort_keys=True))
            after = data["pageInfo"]["endCursor"]

    def files(self, session: str) -> dict[str, str]:
        """The SHA-256 of every stored file of a session, by name."""
        key = GlobalID.from_id(session).node_id
        (place,) = (path for path in self.folder.rglob(key) if path.parent.name == "sessions")
        return {
            str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in place.rglob("*")
            if path.is_file()
        }


@contextmanager
def application(folder: Path, **settings: str) -> Iterator[Application]:
    """A server on an embedded PostgreSQL in this folder, with a person; its workers are killed at the end."""
    environment = {
        "DATA": str(folder),
        "WORKER": "false",
        "DEMO": "false",
        "EMBEDDING_MODEL": "minilm",
        "ACCESS_TOKEN_TTL": "36000",
        **settings,
    }
    with (
        serve(environment) as (process, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=REQUEST_SECONDS) as http,
    ):
        made = Application(folder, process, http, environment)
        made.register()
        try:
            yield made
        finally:
            for worker in made.workers:
                worker.kill()
                worker.wait()


class MemoryWatch:
    """The peak of the proportional memory of all processes of an application, sampled twice a second."""

    def __init__(self, app: Application) -> None:
        self._app, self._ended = app, Event()
        self._thread = Thread(target=self._watch)
        self.everything = self.workers = 0
        """Peaks in bytes: of all processes with PostgreSQL, and of the workers with their children."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            working = sum(memory(worker.pid) for worker in list(self._app.workers))
            self.workers = max(self.workers, working)
            self.everything = max(self.everything, working + memory(self._app.server.pid))


def memory(pid: int) -> int:
    """Proportional memory of a process and its descendants, in bytes."""
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += member.memory_full_info().pss
    return total


def worker_cpu(worker: "subprocess.Popen[bytes]") -> float:
    """CPU seconds of a worker and its children, also of those that have ended."""
    return cpu_seconds(psutil.Process(worker.pid))
