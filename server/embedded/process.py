"""Embedded server processes: lock, launch, lifetime bound to the parent, keep-alive and stop."""

import asyncio
import fcntl
import os
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any, ClassVar, Literal

import structlog

log = structlog.get_logger(__name__)

FolderUse = Literal["own", "share", "join"]
"""`own`: run the server of the folder; `share`: unless another process runs it; `join`: wait for that one."""

POLL_SECONDS, LOCK_POLL_SECONDS = 0.02, 0.1
MIN_RESTART_SECONDS, MAX_RESTART_SECONDS = 0.1, 2.0
"""Backoff before a process that exited is restarted."""
STABLE_SECONDS = 5.0
"""Time after which an exit does not increase the backoff."""
MIN_LOCK_SECONDS = 0.5
"""Minimum time to wait for a lock, which a process that looks whether it is taken holds for a moment."""
WAIT_LOG_SECONDS = 60.0
"""Time between two log lines of a process that waits for another one."""
MAX_LOG_BYTES = 5_000_000

INTERRUPT_ON_EOF = 'exec 3<&0 </dev/null; ( (read -r line <&3 || kill -INT $$) & ); exec "$@" 3<&-'
"""Runs a command, and interrupts it at the end of its input if no line was written: the parent was killed."""


class LockFile:
    """An exclusive lock on a file, which contains the process id of the holder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self) -> str | None:
        """Acquires the lock. Returns None, or the process id of the holder if it is taken."""
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            return holder
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        return None

    def is_taken(self) -> bool:
        """Whether another process holds the lock."""
        with suppress(FileNotFoundError), self._path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def release(self) -> None:
        """Releases the lock if it is held."""
        if self._file is not None:
            self._file.close()
            self._file = None


class EmbeddedProcess(ABC):
    """A server process of a data folder, which is restarted when it exits. It can be started once.

    Only one process at a time may run it. It does not outlive that process: it exits when its standard input
    is closed.
    """

    name: ClassVar[str]
    """For error messages, such as `database`."""
    lock_name: ClassVar[str]
    log_name: ClassVar[str]
    start_seconds: ClassVar[float]
    error: ClassVar[type[Exception]]
    """Raised if the process cannot run, with a message of one line."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.lock = LockFile(data / self.lock_name)
        self._mutex = threading.Lock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._supervisor: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The process id while the process runs."""
        return self._process.pid if self._process else None

    def start(self, *, lock_timeout: float = 0, share: bool = False) -> bool:
        """Starts the process, and returns when it is ready. Raises `error`.

        Waits up to `lock_timeout` seconds for another process to release the folder. With `share`, returns
        False if that process' server is ready.
        """
        with self._mutex:
            try:
                self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not self._acquire(max(lock_timeout, MIN_LOCK_SECONDS), share=share):
                    return False
                self.prepare()
                self.launch()
            except OSError as error:
                self._stop()
                raise self.error(f"data folder {self.data} cannot be used: {error}") from error
            except BaseException:
                self._stop()
                raise
            self._supervisor = threading.Thread(target=self._supervise, name=self.name, daemon=True)
            self._supervisor.start()
        return True

    def stop(self) -> None:
        """Stops the process and releases the data folder. Waits for a concurrent `start`."""
        self._stopping.set()
        with self._mutex:
            self._stop()
        if self._supervisor is not None:
            self._supervisor.join()

    def _acquire(self, timeout: float, *, share: bool) -> bool:
        """Acquires the lock. Returns False if the server of another process is to be shared, and is ready."""
        began, logged = time.monotonic(), False
        while (holder := self.lock.acquire()) is not None:
            if share and self.is_ready():
                return False
            waited = time.monotonic() - began
            if waited > timeout or self._stopping.is_set():
                raise self.error(f"the {self.name} in {self.data} is in use by process {holder}")
            if waited > MIN_LOCK_SECONDS and not logged:
                log.info("waiting_for_data_folder", process=self.name, folder=str(self.data), holder=holder)
                logged = True
            self._stopping.wait(LOCK_POLL_SECONDS)
        return True

    async def join(self) -> None:
        """Waits, without limit, until another process runs it."""
        logged_at = 0.0
        while not (self.lock.is_taken() and self.is_ready()):
            if time.monotonic() - logged_at > WAIT_LOG_SECONDS:
                log.warning("waiting_for_server", process=self.name, folder=str(self.data))
                logged_at = time.monotonic()
            await asyncio.sleep(LOCK_POLL_SECONDS)

    def launch(self) -> None:
        """Starts the process and waits until it is ready, or is to stop."""
        path = self.data / self.log_name
        is_new = not path.exists() or path.stat().st_size > MAX_LOG_BYTES
        command, options = self.command()
        with path.open("wb" if is_new else "ab") as output:
            begin = output.tell()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is handled by the parent, which stops the process last
                **options,
            )
        deadline = time.monotonic() + self.start_seconds
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                reason = self.failure_reason(path, begin)
                raise self.error(f"the {self.name} in {self.data} does not start: {reason}")
            if self._stopping.wait(POLL_SECONDS):
                return

    @abstractmethod
    def prepare(self) -> None:
        """Prepares the data folder before the first launch, with the lock held."""

    @abstractmethod
    def command(self) -> tuple[list[str], dict[str, Any]]:
        """The command, and further options of `subprocess.Popen`."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the process accepts connections."""

    @abstractmethod
    def failure_reason(self, path: Path, begin: int) -> str:
        """Why the process does not start, from its log after byte `begin`."""

    @abstractmethod
    def terminate(self, process: subprocess.Popen[bytes]) -> None:
        """Ends the process and waits for it."""

    def close_input(self, process: subprocess.Popen[bytes]) -> None:
        """Closes the standard input of a process, at which it exits if it still runs."""
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self.terminate(process)
        self.lock.release()

    def _supervise(self) -> None:
        backoff = MIN_RESTART_SECONDS
        while not self._stopping.is_set():
            process, started_at = self._process, time.monotonic()
            if process is not None:
                code = process.wait()
                if self._stopping.is_set():
                    return
                self.close_input(process)
                log.error("embedded_process_restarted", process=self.name, code=code)
                is_stable = time.monotonic() - started_at > STABLE_SECONDS
                backoff = MIN_RESTART_SECONDS if is_stable else min(2 * backoff, MAX_RESTART_SECONDS)
            if self._stopping.wait(backoff):
                return
            with self._mutex:
                if not self._stopping.is_set():
                    try:
                        self.launch()
                    except (self.error, OSError) as error:
                        log.error("embedded_process_start_failed", process=self.name, error=error)


@asynccontextmanager
async def run_server(
    server: EmbeddedProcess, use: FolderUse = "own", *, lock_timeout: float = 0
) -> AsyncIterator[None]:
    """Runs the server for the duration of the context, or uses that of another process."""
    if use == "join":
        await server.join()
        yield
        return
    try:
        share = use == "share"
        wait = max(lock_timeout, server.start_seconds) if share else lock_timeout
        await asyncio.to_thread(server.start, lock_timeout=wait, share=share)
        yield
    finally:
        await asyncio.shield(asyncio.to_thread(server.stop))
