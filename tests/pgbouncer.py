"""PgBouncer in transaction mode before the test's server, on a private Unix socket."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from server.embedded.os_accounts import create_private_folder, server_account, subprocess_options
from server.embedded.postgres import fatal_messages, socket_folder
from server.embedded.process import INTERRUPT_ON_EOF, EmbeddedProcess

PORT = 6432
CONFIGURATION = """
[databases]
* = host={server}

[pgbouncer]
pool_mode = transaction
listen_addr =
listen_port = {port}
unix_socket_dir = {sockets}
auth_type = trust
auth_file = {sockets}/accounts
max_client_conn = 1000
default_pool_size = 40
log_connections = 0
log_disconnections = 0
log_pooler_errors = 0
"""
ACCOUNTS = '"app_rw" ""\n'


class PoolerUnavailable(Exception):
    """PgBouncer cannot run."""


class PgBouncer(EmbeddedProcess):
    """PgBouncer before the PostgreSQL of a data folder, for the role `app_rw` and every database."""

    name, lock_name, log_name = "pooler", "pooler.lock", "pgbouncer.log"
    start_seconds = 30.0
    error = PoolerUnavailable

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self._account = server_account(data / "postgres")
        self.sockets = data / "pool"

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+asyncpg://app_rw@/{database}?host={self.sockets}&port={PORT}"

    def prepare(self) -> None:
        """Writes the configuration."""
        create_private_folder(self.sockets, self._account)
        configuration = CONFIGURATION.format(server=socket_folder(self.data), port=PORT, sockets=self.sockets)
        for name, text in {"configuration": configuration, "accounts": ACCOUNTS}.items():
            (self.sockets / name).write_text(text)

    def command(self) -> tuple[list[str], dict[str, Any]]:
        """PgBouncer as the account of the server; it refuses to run as root."""
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
        if program is None:
            raise PoolerUnavailable("PgBouncer is not installed: apt-get install pgbouncer")
        command = [
            "/bin/sh",
            "-c",
            INTERRUPT_ON_EOF,
            "sh",
            program,
            "-q",
            str(self.sockets / "configuration"),
        ]
        return command, subprocess_options(self._account)

    def is_ready(self) -> bool:
        """Whether its socket exists."""
        return (self.sockets / f".s.PGSQL.{PORT}").is_socket()

    def failure_reason(self, path: Path, begin: int) -> str:
        """The last line of its log."""
        return next(fatal_messages(path, begin), path.read_text()[-200:])

    def terminate(self, process: subprocess.Popen[bytes]) -> None:
        """Ends it at once, whoever is connected."""
        process.terminate()
        process.wait()
        self.close_input(process)
