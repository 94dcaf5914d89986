"""Temporary working folders of jobs."""

import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir

PREFIX = "seshat-working-"


def working_folder() -> TemporaryDirectory[str]:
    """An empty temporary folder, deleted at the end of the context.

    Cancelled downloads may still write to it then; `purge` deletes what they leave.
    """
    return TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)


def purge(age: timedelta) -> None:
    """Deletes working folders that have not been modified for `age`, left by killed workers."""
    oldest = time.time() - age.total_seconds()
    for folder in Path(gettempdir()).glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < oldest:
                rmtree(folder, ignore_errors=True)
