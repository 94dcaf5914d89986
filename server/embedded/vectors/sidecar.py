"""Starting the embedded vector store, keeping it alive, and stopping it."""

import asyncio
import fcntl
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

import structlog

from core.settings import Settings
from server.embedded.os_accounts import own_folder

log = structlog.get_logger(__name__)

SOCKET = "vectors.sock"
LONGEST_SOCKET = 99
START_SECONDS, STOP_SECONDS = 60.0, 15.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds before a store that ended is started again: doubled each time it ends at once."""
LARGEST_LOG = 5_000_000
ROOT = Path(__file__).parents[3]


class VectorStoreUnavailable(Exception):
    """The embedded vector store cannot run; the message is one line that says why."""


def socket_path(data: Path) -> Path:
    """Where the store's socket is: in the data folder, or under /tmp where that path would be too long."""
    path = data / SOCKET
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    return Path("/tmp") / f"seshat-vectors-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}" / SOCKET


@asynccontextmanager
async def vectors_of(settings: Settings, *, share: bool = False) -> AsyncIterator[Settings]:
    """The settings with a `qdrant_url` that answers: the configured one, or an embedded store's.

    The embedded store runs as long as the context. With `share`, one that another process runs in the same
    data folder is used instead. Raises `VectorStoreUnavailable`.
    """
    if settings.qdrant_url is not None:
        yield settings
        return
    attached = settings.model_copy(update={"qdrant_url": f"unix:{socket_path(settings.data)}"})
    store = EmbeddedVectors(settings.data)
    if share and await asyncio.to_thread(store.runs_elsewhere):
        yield attached
        return
    try:
        await asyncio.to_thread(store.start)
        yield attached
    finally:
        await asyncio.shield(asyncio.to_thread(store.stop))


class EmbeddedVectors:
    """The vector store of a data folder, to be started once. One process at a time may hold it.

    A store that ends by itself is started again, with all that was stored. It never outlives its holder: it
    is stopped by `stop`, or by its closing input when the holder is killed.
    """

    def __init__(self, data: Path) -> None:
        self.path = socket_path(data)
        self._data = data
        self._folder = data / "vectors"
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._held: IO[str] | None = None

    @property
    def pid(self) -> int | None:
        """The store's process id while it is started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Returns when the store answers. Raises `VectorStoreUnavailable`."""
        with self._turn:
            try:
                self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
                if self.path.parent != self._data:
                    own_folder(self.path.parent, None)
                self._hold()
                self._launch()
            except OSError as error:
                self._stop()
                raise VectorStoreUnavailable(f"data folder {self._data} cannot be used: {error}") from error
            except BaseException:
                self._stop()
                raise
            self._keeper = threading.Thread(target=self._keep, name="vector store", daemon=True)
            self._keeper.start()

    def stop(self) -> None:
        """Stop the store and let go of the data folder. Waits for a `start` that is under way."""
        self._stopping.set()
        with self._turn:
            self._stop()
        if self._keeper is not None:
            self._keeper.join()

    def runs_elsewhere(self) -> bool:
        """Whether another process holds the store; if so, waits until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while self._is_held():
            if self._answers():
                return True
            if time.monotonic() > deadline:
                raise VectorStoreUnavailable(f"the vector store in {self._data} does not become ready")
            time.sleep(0.05)
        return False

    def _is_held(self) -> bool:
        with suppress(FileNotFoundError), self._lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @property
    def _lock(self) -> Path:
        return self._data / "vectors.lock"

    def _hold(self) -> None:
        held = self._lock.open("a+")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            holder = held.read().strip()
            held.close()
            raise VectorStoreUnavailable(
                f"the vector store in {self._data} is in use by process {holder}"
            ) from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        self._held = held

    def _launch(self) -> None:
        """Start the process and wait until it answers, or `stop` is called."""
        self.path.unlink(missing_ok=True)
        path = self._data / "vectors.log"
        fresh = not path.exists() or path.stat().st_size > LARGEST_LOG
        with path.open("wb" if fresh else "ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server.embedded.vectors", str(self._folder), str(self.path)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                start_new_session=True,  # a terminal's Ctrl-C is for us
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise VectorStoreUnavailable(
                    f"the vector store in {self._data} does not start: {last_line(path)}"
                )
            if self._stopping.wait(0.02):
                return

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt, suppress(OSError):
            attempt.connect(str(self.path))
            return True
        return False

    def _keep(self) -> None:
        """Start the store again whenever it ends."""
        pause = SHORTEST_PAUSE
        while not self._stopping.is_set():
            process, began = self._process, time.monotonic()
            if process is not None:
                code = process.wait()
                close_input(process)
                if self._stopping.is_set():
                    return
                log.error("vector_store_restarted", code=code)
                pause = SHORTEST_PAUSE if time.monotonic() - began > LONGEST_PAUSE else 2 * pause
            if self._stopping.wait(min(pause, LONGEST_PAUSE)):
                return
            with self._turn:
                if not self._stopping.is_set():
                    try:
                        self._launch()
                    except (VectorStoreUnavailable, OSError) as error:
                        log.error("vector_store_start_failed", reason=str(error))

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            close_input(process)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.path.unlink(missing_ok=True)
            if self.path.parent != self._data:
                self.path.parent.rmdir()
        if self._held is not None:
            self._held.close()
            self._held = None


def close_input(process: subprocess.Popen[bytes]) -> None:
    """Let go of a process: the store ends when its input does."""
    if process.stdin is not None:
        process.stdin.close()


def last_line(path: Path) -> str:
    """The last thing that was logged."""
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"see {path}"
