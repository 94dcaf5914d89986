"""`seshat serve` as an operator meets it: started, stopped, killed, started twice."""

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.server.conftest import ServerProcess, free_port, run

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

    code, output, errors = run("serve", "--data", str(tmp_path / "data"), "--port", str(free_port()))

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
