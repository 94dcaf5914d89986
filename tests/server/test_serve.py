"""`seshat serve` as an operator meets it: started, stopped, killed, started twice."""

import asyncio
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psutil
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from core.settings import driverless_url
from server.embedded.postgres import embedded_url
from server.embedded.process import LockFile
from tests.server.conftest import ServerProcess, free_port, kill, run, start

Serve = Callable[..., ServerProcess]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_and_its_database(
    serve: Serve, tmp_path: Path, ending: signal.Signals
) -> None:
    serving = serve(tmp_path / "data")
    postmaster = serving.postmaster()

    serving.process.send_signal(ending)

    assert serving.process.wait(timeout=20) == 0
    assert not postmaster.is_running()


def test_a_killed_server_takes_its_database_along_and_starts_again(serve: Serve, tmp_path: Path) -> None:
    first = serve(tmp_path / "data")
    secret = (tmp_path / "data" / "secret-key").read_text()
    postmaster = first.postmaster()

    first.process.kill()
    second = serve(tmp_path / "data")

    psutil.wait_procs([postmaster], timeout=10)
    assert not postmaster.is_running()
    assert second.postmaster().pid != postmaster.pid
    assert (tmp_path / "data" / "secret-key").read_text() == secret


def test_an_open_socket_does_not_keep_the_server(serve: Serve, tmp_path: Path) -> None:
    serving = serve(tmp_path / "data")
    address = serving.url.replace("http", "ws") + "/graphql"

    with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]):
        serving.process.terminate()

        assert serving.process.wait(timeout=20) == 0


def test_several_processes_serve_one_port_and_stop_together(serve: Serve, tmp_path: Path) -> None:
    serving = serve(tmp_path / "data", "--workers", "2")
    postmaster, children = serving.postmaster(), psutil.Process(serving.process.pid).children(recursive=True)

    serving.process.terminate()

    assert serving.process.wait(timeout=20) == 0
    _, alive = psutil.wait_procs([postmaster, *children], timeout=5)
    assert alive == []


def test_several_processes_end_with_their_parent(serve: Serve, tmp_path: Path) -> None:
    serving = serve(tmp_path / "data", "--workers", "2")
    postmaster, children = serving.postmaster(), psutil.Process(serving.process.pid).children(recursive=True)

    serving.process.kill()

    _, alive = psutil.wait_procs([postmaster, *children], timeout=10)
    assert alive == []
    with socket.socket() as free:
        free.bind(("127.0.0.1", int(serving.url.rpartition(":")[2])))


def test_a_child_that_is_paused_is_not_replaced_and_delays_no_stop(serve: Serve, tmp_path: Path) -> None:
    serving = serve(tmp_path / "data", "--workers", "2")
    assert serving.process.stdout is not None
    assert any("is ready at" in line for line in iter(serving.process.stdout.readline, ""))
    children = [child for child in psutil.Process(serving.process.pid).children() if is_child(child)]
    assert len(children) == 2

    children[0].suspend()
    time.sleep(8)
    children[0].resume()
    time.sleep(1)
    assert all(child.is_running() for child in children)
    children[0].suspend()
    serving.process.terminate()

    assert serving.process.wait(timeout=90) == 0
    assert not children[0].is_running()


def is_child(process: psutil.Process) -> bool:
    """Whether it is a process that serves."""
    return any("spawn_main" in argument for argument in process.cmdline())


def test_a_port_in_use_is_one_line_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        code, output, errors = run("serve", "--data", str(tmp_path / "data"), "--port", port)

    assert (code, output) == (1, "")
    assert errors == f"seshat: cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    assert not (tmp_path / "data" / "postgres").exists()


def test_a_data_folder_serves_one_process_at_a_time(serve: Serve, tmp_path: Path) -> None:
    serving = serve(tmp_path / "data")

    code, output, errors = run(
        *("serve", "--data", str(tmp_path / "data"), "--port", str(free_port())), DATA_TIMEOUT="0"
    )

    assert (code, output) == (1, "")
    assert (
        errors == f"seshat: the database in {tmp_path / 'data'} is in use by process {serving.process.pid}\n"
    )


def test_other_commands_use_the_database_of_a_running_server(serve: Serve, tmp_path: Path) -> None:
    serving = serve(tmp_path / "data")

    code, output, errors = run("migrate", "status", "--data", str(tmp_path / "data"))

    assert code == 0, errors
    assert [line.rpartition(", ")[2] for line in output.splitlines()] == ["up to date", "up to date"]
    assert serving.postmaster().is_running()


def test_a_server_waits_for_a_command_that_uses_the_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    lock = LockFile(data / "lock")
    assert lock.acquire() is None
    serving = ServerProcess(data, free_port())
    try:
        assert serving.process.stderr is not None
        assert "waiting_for_data_folder" in serving.process.stderr.readline()
        lock.release()
        serving.wait_until_ready()
    finally:
        serving.end()


async def worker_connections(data: Path) -> int:
    """How many workers listen to the database."""
    connection = await asyncpg.connect(driverless_url(embedded_url(data, "postgres")))
    try:
        found = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'seshat worker listener'"
        )
        return int(found)
    finally:
        await connection.close()


async def wait_for_worker(data: Path, worker: "subprocess.Popen[str]") -> None:
    """Fails the test when the worker ends, or does not connect."""
    async with asyncio.timeout(60):
        while await worker_connections(data) != 1:
            assert worker.poll() is None, kill(worker)
            await asyncio.sleep(0.1)


async def test_a_worker_waits_for_the_server_and_outlives_its_restarts(serve: Serve, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    worker = start("worker", "--data", str(data))
    try:
        assert worker.stderr is not None
        assert "waiting_for_server" in worker.stderr.readline()
        assert not (data / "postgres").exists()
        threading.Thread(target=worker.stderr.read, daemon=True).start()

        first = await asyncio.to_thread(serve, data)
        await wait_for_worker(data, worker)
        first.process.kill()
        second = await asyncio.to_thread(serve, data)
        await wait_for_worker(data, worker)
        second.process.terminate()
        assert second.process.wait(timeout=20) == 0
        await asyncio.to_thread(serve, data)
        await wait_for_worker(data, worker)

        worker.terminate()
        assert worker.wait(timeout=20) == 0
    finally:
        kill(worker)
