"""Processes that outlive the process of a parallel test run which started them."""

from contextlib import suppress

import psutil


def kill_descendants(run: str, worker: str) -> None:
    """Kill everything that a worker of pytest-xdist started: its children inherit its environment."""
    marks = {"PYTEST_XDIST_TESTRUNUID": run, "PYTEST_XDIST_WORKER": worker}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if marks.items() <= process.environ().items():
                process.kill()
