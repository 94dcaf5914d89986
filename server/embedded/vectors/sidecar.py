"""The process of the embedded vector store."""

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from core.errors import InstallationError
from core.settings import Settings
from server.embedded.os_accounts import create_private_folder
from server.embedded.process import EmbeddedProcess, FolderUse, run_server

SOCKET = "vectors.sock"
MAX_SOCKET_PATH_BYTES = 99
STOP_SECONDS = 15.0
ROOT = Path(__file__).parents[3]


class VectorStoreUnavailable(InstallationError):
    """The embedded vector store cannot run. The message is one line with the reason."""


def socket_path(data: Path) -> Path:
    """The socket of the store: in the data folder, or in /tmp if the path would be too long."""
    path = data / SOCKET
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
        return path
    return Path("/tmp") / f"seshat-vectors-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}" / SOCKET


@asynccontextmanager
async def vectors_of(settings: Settings, use: FolderUse = "own") -> AsyncIterator[Settings]:
    """The settings with the URL of a running vector store: the configured one, or an embedded store.

    Raises `VectorStoreUnavailable`.
    """
    if settings.qdrant_url is not None:
        yield settings
        return
    embedded = settings.model_copy(update={"qdrant_url": f"unix:{socket_path(settings.data)}"})
    async with run_server(EmbeddedVectors(settings.data), use, lock_timeout=settings.data_timeout):
        yield embedded


class EmbeddedVectors(EmbeddedProcess):
    """The vector store of a data folder."""

    name, lock_name, log_name = "vector store", "vectors.lock", "vectors.log"
    start_seconds = 60.0
    error = VectorStoreUnavailable

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self.path = socket_path(data)

    def prepare(self) -> None:
        if self.path.parent != self.data:
            create_private_folder(self.path.parent, None)

    def launch(self) -> None:
        self.path.unlink(missing_ok=True)
        super().launch()

    def command(self) -> tuple[list[str], dict[str, Any]]:
        module = "server.embedded.vectors"
        return [sys.executable, "-m", module, str(self.data / "vectors"), str(self.path)], {"cwd": ROOT}

    def is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, suppress(OSError):
            connection.connect(str(self.path))
            return True
        return False

    def failure_reason(self, path: Path, begin: int) -> str:
        lines = path.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"see {path}"

    def terminate(self, process: subprocess.Popen[bytes]) -> None:
        self.close_input(process)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.path.unlink(missing_ok=True)
        if self.path.parent != self.data:
            self.path.parent.rmdir()
