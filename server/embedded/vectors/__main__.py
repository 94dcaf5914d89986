"""The process of the embedded vector store: `python -m server.embedded.vectors FOLDER SOCKET`.

It exits when its standard input is closed, which happens when its parent exits.
"""

import fcntl
import os
import socket
import sys
import time
from pathlib import Path
from threading import Thread
from typing import IO

import uvicorn

from server.embedded.vectors.api import VectorApi
from server.embedded.vectors.collections import Collections
from server.logging import configure_logging

LOCK_TIMEOUT_SECONDS = 30.0
"""Time to wait for a previous process to release the folder."""
STOP_SECONDS = 3


def main() -> None:
    folder, path = Path(sys.argv[1]), Path(sys.argv[2])
    configure_logging("INFO")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock_folder(folder):
        server = uvicorn.Server(
            uvicorn.Config(
                VectorApi(Collections(folder)).app(),
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        Thread(target=stop_on_eof, args=(server,), daemon=True).start()
        with listen(path) as bound:
            server.run([bound])


def lock_folder(folder: Path) -> IO[str]:
    """Acquires the lock of the folder. Raises `BlockingIOError` if another process does not release it."""
    held = (folder / "lock").open("a")
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return held
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def listen(path: Path) -> socket.socket:
    """A Unix socket that only this account can open. It is renamed to `path` once it accepts connections."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        bound.bind(str(draft))
    finally:
        os.umask(before)
    bound.listen(128)
    draft.rename(path)
    return bound


def stop_on_eof(server: uvicorn.Server) -> None:
    """Stops the server when standard input is closed."""
    sys.stdin.buffer.read()
    server.should_exit = True


if __name__ == "__main__":
    main()
