"""Servers in processes of their own, on a free port of the loopback interface, and what they use."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from time import monotonic, sleep

import psutil

from core.settings import Settings

SESHAT = (sys.executable, "-m", "server", "serve")
READY_SECONDS, STOP_SECONDS, POLL_SECONDS = 120, 30, 0.05
CPU_CLOCK = 2
"""Which clock of a process `clock_gettime` reads: CPU time of all its threads."""


@contextmanager
def serve(
    environment: Mapping[str, str], command: Sequence[str] = SESHAT
) -> Iterator[tuple[psutil.Process, int]]:
    """Runs a server until the context ends. Yields its process and port when it is ready.

    It gets `--port`. Settings in this process' environment are not passed on.
    """
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = int(bound.getsockname()[1])
    settings = {name.upper() for name in Settings.model_fields}
    inherited = {name: value for name, value in os.environ.items() if name not in settings}
    process = subprocess.Popen(
        [*command, "--port", str(port)], stdout=subprocess.DEVNULL, env={**inherited, **environment}
    )
    try:
        deadline = monotonic() + READY_SECONDS
        while not is_ready(port):
            if process.poll() is not None or monotonic() > deadline:
                raise SystemExit("The server did not become ready.")
            sleep(POLL_SECONDS)
        yield psutil.Process(process.pid), port
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def is_ready(port: int) -> bool:
    """Whether the server responds."""
    connection = HTTPConnection("127.0.0.1", port, timeout=READY_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def cpu_seconds(process: psutil.Process, *, descendants: bool = True) -> float:
    """CPU time of a process, to the nanosecond (Linux).

    With `descendants`, that of its running descendants too, and of those that have ended.
    """
    seconds = 0.0
    for member in (process, *(process.children(recursive=True) if descendants else ())):
        with suppress(OSError, psutil.NoSuchProcess):
            seconds += time.clock_gettime((~member.pid << 3) | CPU_CLOCK)
            if descendants:
                times = member.cpu_times()
                seconds += times.children_user + times.children_system
    return seconds
