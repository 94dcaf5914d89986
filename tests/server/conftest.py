"""A server of its own for a test: `seshat` in another process, as an operator runs it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.placement import PLACEMENT
from tests.planted_secrets import find_in_files, find_secrets

READY_SECONDS = 120.0
END_SECONDS = 30.0


class ServerProcess:
    """A running `seshat serve` and what it said."""

    def __init__(self, data: Path, port: int, *options: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.cluster = data / "postgres"
        settings = {"DEMO": "false", "COMPANY_PLACEMENT": PLACEMENT}
        self.process = start("serve", "--data", str(data), "--port", str(port), *options, **settings)

    def wait_until_ready(self) -> None:
        """Fails the test when the server ends, or does not become ready."""
        deadline = time.monotonic() + READY_SECONDS
        with httpx.Client() as client:
            while time.monotonic() < deadline and self.process.poll() is None:
                with suppress(httpx.TransportError):
                    if client.get(f"{self.url}/readyz").status_code == 200:
                        return
                time.sleep(0.05)
        pytest.fail(f"not ready: {kill(self.process)}")

    def postmaster(self) -> psutil.Process:
        """The embedded PostgreSQL."""
        return psutil.Process(int((self.cluster / "postmaster.pid").read_text().splitlines()[0]))

    def end(self) -> None:
        """Stop it, if the test did not, and close its pipes."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            output, errors = self.process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail(f"did not end within {END_SECONDS:.0f} seconds: {kill(self.process)}")
        assert find_secrets(output + errors) == []
        assert find_in_files([self.cluster.parent / name for name in ("postgres.log", "vectors.log")]) == []


def start(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Start `seshat` with these arguments and settings."""
    return subprocess.Popen(
        [sys.executable, "-m", "server", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def kill(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """Kill a process and all it started; what it said, though an orphan may still hold its pipes."""
    family = []
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(process.pid)
        family = [leader, *leader.children(recursive=True)]
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    try:
        return process.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired as held:
        return (held.stdout or b"").decode(), (held.stderr or b"").decode()


def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run `seshat` to its end: exit code, output, errors."""
    process = start(*arguments, **environment)
    try:
        output, errors = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        pytest.fail(f"did not end: {kill(process)}")
    assert find_secrets(output + errors) == []
    return process.returncode, output, errors


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.fixture
def serve() -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers, waits until they are ready, and ends them after the test."""
    started: list[ServerProcess] = []

    def begin(data: Path, *options: str) -> ServerProcess:
        serving = ServerProcess(data, free_port(), *options)
        started.append(serving)
        serving.wait_until_ready()
        return serving

    yield begin
    for serving in started:
        serving.end()
