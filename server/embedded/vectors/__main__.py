"""The process of the embedded vector store: `python -m server.embedded.vectors FOLDER SOCKET`.

It ends when its input closes, which is when the process that started it ends in any way.
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

WAIT_SECONDS = 30.0
"""How long a store that is still ending may take to let go of the folder."""
STOP_SECONDS = 3


def main() -> None:
    folder, path = Path(sys.argv[1]), Path(sys.argv[2])
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
        Thread(target=end_with_input, args=(server,), daemon=True).start()
        with listen(path) as bound:
            server.run([bound])


def lock_folder(folder: Path) -> IO[str]:
    """The folder's lock, held. Raises `BlockingIOError` when another process does not let go of it."""
    held = (folder / "lock").open("a")
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return held
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def listen(path: Path) -> socket.socket:
    """A socket at `path` that only this account opens; it appears when it can be connected to."""
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


def end_with_input(server: uvicorn.Server) -> None:
    """Stop the server once nobody holds the other end of our input."""
    sys.stdin.buffer.read()
    server.should_exit = True


if __name__ == "__main__":
    main()
