"""The installation under test: an API and workers in one data folder, each restarted when it ends."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import asyncpg
import httpx
import psutil

from core.settings import driverless_url
from server.embedded.postgres import embedded_url, postmaster_lines

READY_SECONDS, STOP_SECONDS = 180.0, 60.0
RESTART_SECONDS = 0.2
"""Time until an ended process is started again, as an operator's supervisor would."""
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
ROOT = Path(__file__).parents[2]


@dataclass
class Member:
    """A process that is kept running, and how often it was started."""

    name: str
    arguments: Sequence[str]
    process: asyncio.subprocess.Process | None = None
    starts: int = 0
    exits: list[int] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self.process
        return process.pid if process is not None and process.returncode is None else None


class Installation:
    """`seshat serve` and `seshat worker` processes over `folder/data`; their output is in `folder/logs`."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        workers: int = 2,
        launcher: Sequence[str] = ("server",),
    ) -> None:
        self.data, self.logs, self.temporary = folder / "data", folder / "logs", folder / "tmp"
        for path in (self.logs, self.temporary):
            path.mkdir()
        self.temporary.chmod(0o1777)
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            self.port = int(bound.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        command = (sys.executable, "-m", *launcher)
        place = ("--data", str(self.data))
        self.api = Member("api", (*command, "serve", *place, "--port", str(self.port)))
        self.workers = [
            Member(f"worker-{number}", (*command, "worker", *place)) for number in range(1, workers + 1)
        ]
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.temporary),
            "DEMO": "false",
            "WORKER": "false",
            **environment,
        }
        self._stopping = False

    @property
    def members(self) -> list[Member]:
        """The API and the workers."""
        return [self.api, *self.workers]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Installation"]:
        """Keeps all members running; kills whatever is left of them at the end."""
        try:
            self.api.task = asyncio.create_task(self._keep(self.api))
            await self.wait_until_ready()
            for worker in self.workers:
                worker.task = asyncio.create_task(self._keep(worker))
            yield self
        finally:
            self._stopping = True
            for member in self.members:
                if member.task is not None:
                    member.task.cancel()
            for process in self.descendants():
                with suppress(psutil.Error):
                    process.kill()

    async def _keep(self, member: Member) -> None:
        with (self.logs / f"{member.name}.log").open("ab") as log:
            while not self._stopping:
                member.process = await self._start(member, log)
                member.starts += 1
                code = await member.process.wait()
                if self._stopping:
                    return
                member.exits.append(code)
                await asyncio.sleep(RESTART_SECONDS)

    async def _start(self, member: Member, log: IO[bytes]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *member.arguments,
            cwd=ROOT,
            env=self._environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )

    async def wait_until_ready(self) -> None:
        """Raises `TimeoutError` if the API does not become ready."""
        async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient(trust_env=False) as client:
            while True:
                with suppress(httpx.HTTPError):
                    if (await client.get(f"{self.url}/readyz", timeout=5)).status_code == 200:
                        return
                await asyncio.sleep(0.1)

    async def is_serving(self) -> bool:
        """Whether the API accepts connections."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def stop(self) -> dict[str, int | None]:
        """Stops all members as an operator does, workers first. Returns their exit codes; None if killed."""
        self._stopping = True
        codes: dict[str, int | None] = {}
        for group in (self.workers, [self.api]):
            for member in group:
                if member.pid is not None and member.process is not None:
                    member.process.terminate()
            for member in group:
                if member.process is None:
                    continue
                try:
                    codes[member.name] = await asyncio.wait_for(member.process.wait(), STOP_SECONDS)
                except TimeoutError:
                    codes[member.name] = None
                    member.process.kill()
        return codes

    def postmaster(self) -> int | None:
        """The process id of the embedded PostgreSQL."""
        lines = postmaster_lines(self.data / "postgres")
        pid = int(lines[0]) if lines else None
        return pid if pid is not None and psutil.pid_exists(pid) else None

    def vector_store(self) -> int | None:
        """The process id of the embedded vector store."""
        found = self._with_argument("server.embedded.vectors")
        return found[0].pid if found else None

    def damage_vectors(self) -> None:
        """Cuts off half of each file of the collections."""
        for path in (self.data / "vectors").glob("seshat-*/**/*"):
            if path.is_file():
                os.truncate(path, path.stat().st_size // 2)

    def _with_argument(self, argument: str) -> list[psutil.Process]:
        found = []
        for process in self.descendants():
            with suppress(psutil.Error):
                if argument in process.cmdline():
                    found.append(process)
        return found

    def descendants(self) -> list[psutil.Process]:
        """All processes of the data folder, whoever their parent is."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.pid != os.getpid() and self._is_ours(process):
                    found.append(process)
        return found

    def _is_ours(self, process: psutil.Process) -> bool:
        if any(str(self.data) in argument for argument in process.cmdline()):
            return True
        return process.environ().get("TMPDIR") == str(self.temporary)

    async def connect(self) -> asyncpg.Connection:
        """A connection to the embedded database that sees every row."""
        url = driverless_url(embedded_url(self.data, "postgres"))
        return await asyncpg.connect(url, timeout=5, server_settings={"application_name": "chaos"})


def die_with_parent() -> None:
    """Has the kernel kill this process when the run is killed."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def send(pid: int | None, number: signal.Signals) -> bool:
    """Sends a signal. Returns whether the process exists."""
    if pid is None:
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
