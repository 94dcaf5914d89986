"""Temporary working folders, locked by their process, so that those of killed processes are recognized."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir

PREFIX = "seshat-job-"


@contextmanager
def working_folder() -> Iterator[str]:
    """An empty temporary folder, deleted at the end of the context.

    Cancelled downloads may still write to it then; `purge` deletes what they leave.
    """
    with _lock_folder(gettempdir(), fcntl.LOCK_SH):  # `purge` does not meet the folder before it is locked
        folder = TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        lock = _open_locked(folder.name, fcntl.LOCK_EX)
    try:
        with folder as name:
            yield name
    finally:
        os.close(lock)


def purge() -> None:
    """Deletes the working folders of processes of this host that have ended without deleting them."""
    with suppress(BlockingIOError), _lock_folder(gettempdir(), fcntl.LOCK_EX | fcntl.LOCK_NB):
        for folder in Path(gettempdir()).glob(f"{PREFIX}*"):
            with suppress(OSError), _lock_folder(str(folder), fcntl.LOCK_EX | fcntl.LOCK_NB):
                rmtree(folder, ignore_errors=True)


@contextmanager
def _lock_folder(folder: str, operation: int) -> Iterator[None]:
    lock = _open_locked(folder, operation)
    try:
        yield
    finally:
        os.close(lock)


def _open_locked(folder: str, operation: int) -> int:
    """The descriptor of a locked folder. The lock ends with the descriptor, and so with the process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, operation)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
