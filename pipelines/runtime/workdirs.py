"""Working folders on this host, where a job keeps files while it computes."""

import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir

PREFIX = "seshat-working-"


def working_folder() -> TemporaryDirectory[str]:
    """An empty folder, gone with everything in it at the context's end.

    Downloads that were given up may still write into it then; what they leave is swept later.
    """
    return TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)


def purge(age: timedelta) -> None:
    """Remove the working folders in which nothing was made for so long: their workers were killed."""
    latest = time.time() - age.total_seconds()
    for folder in Path(gettempdir()).glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < latest:
                rmtree(folder, ignore_errors=True)
