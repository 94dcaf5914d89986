"""The embedded PostgreSQL with the folders that people have."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from core.settings import driverless_url
from db.errors import is_transient
from server.embedded.postgres import (
    DatabaseUnavailable,
    EmbeddedPostgres,
    embedded_url,
    postmaster_lines,
    socket_folder,
)
from server.embedded.process import run_server


async def answer(data: Path) -> int:
    """What the server in that folder answers."""
    connection = await asyncpg.connect(driverless_url(embedded_url(data, "postgres", "postgres")))
    try:
        return int(await connection.fetchval("SELECT 6 * 7"))
    finally:
        await connection.close()


async def test_a_folder_whose_path_is_too_long_for_a_socket_works(tmp_path: Path) -> None:
    data = tmp_path / ("a long name" * 10)

    async with run_server(EmbeddedPostgres(data, durable=False)):
        assert await answer(data) == 42

    assert socket_folder(data).parent == Path("/tmp")
    socket_folder(data).rmdir()


async def test_a_database_left_running_is_stopped_at_the_next_start(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path, durable=False)
    first.start()
    left = psutil.Process(int(postmaster_lines(tmp_path / "postgres")[0]))
    first.lock.release()  # what the kernel does for a process that is killed

    second = EmbeddedPostgres(tmp_path, durable=False)
    first._stopping.set()  # nobody keeps the first one
    async with run_server(second):
        assert await answer(tmp_path) == 42
        assert second.pid != left.pid
        first.stop()

    assert not left.is_running()


DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)
BUSY = "SELECT count(*) FROM generate_series(1, 100000000000)"
"""Does not look whether its server still lives."""


async def answer_again(data: Path) -> int:
    """What the server in that folder answers once it is back. Fails after five seconds."""
    async with asyncio.timeout(5):
        while True:
            try:
                return await answer(data)
            except (FileNotFoundError, *DRIVER_ERRORS):
                await asyncio.sleep(0.05)


async def test_a_killed_server_is_back_although_a_backend_still_computes(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, durable=False)
    async with run_server(server):
        for _ in range(2):
            killed = server.pid
            assert killed is not None
            connection = await asyncpg.connect(driverless_url(embedded_url(tmp_path, "postgres", "postgres")))
            busy = psutil.Process(connection.get_server_pid())
            computing = asyncio.create_task(connection.fetchval(BUSY))
            await asyncio.sleep(0.3)

            os.kill(killed, signal.SIGKILL)

            assert await answer_again(tmp_path) == 42
            assert server.pid != killed
            assert server.lock.is_taken()
            assert not busy.is_running()
            with pytest.raises(DRIVER_ERRORS) as failed:
                await computing
            assert is_transient(failed.value)
            connection.terminate()


async def test_a_server_whose_processes_are_all_killed_is_back(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, durable=False)
    async with run_server(server):
        postmaster = psutil.Process(server.pid)
        children = postmaster.children(recursive=True)
        for process in children:
            with suppress(psutil.NoSuchProcess):  # the postmaster ends the others after the first
                process.kill()
        _, alive = psutil.wait_procs(children, timeout=10)

        assert alive == []
        assert await answer_again(tmp_path) == 42
        assert postmaster.is_running()

        for process in [postmaster, *postmaster.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):  # children end with their postmaster
                process.kill()

        assert await answer_again(tmp_path) == 42


async def test_a_paused_server_goes_on(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, durable=False)
    async with run_server(server):
        paused = server.pid
        assert paused is not None
        os.kill(paused, signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await answer(tmp_path)
        os.kill(paused, signal.SIGCONT)

        assert await answer_again(tmp_path) == 42
        assert server.pid == paused

        os.kill(paused, signal.SIGSTOP)
        began = psutil.Process(paused)

    assert not began.is_running()


async def test_backends_of_a_server_that_was_killed_with_its_keeper_are_stopped(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path, durable=False)
    first.start()
    assert first.pid is not None
    connection = await asyncpg.connect(driverless_url(embedded_url(tmp_path, "postgres", "postgres")))
    busy = psutil.Process(connection.get_server_pid())
    computing = asyncio.create_task(connection.fetchval(BUSY))
    await asyncio.sleep(0.2)
    first._stopping.set()  # nobody keeps it
    os.kill(first.pid, signal.SIGKILL)
    first.stop()

    async with run_server(EmbeddedPostgres(tmp_path, durable=False)):
        assert await answer(tmp_path) == 42
        assert not busy.is_running()
    with pytest.raises(DRIVER_ERRORS):
        await computing
    connection.terminate()


async def test_a_server_waits_for_the_folder_or_shares_it(tmp_path: Path) -> None:
    first, second = EmbeddedPostgres(tmp_path, durable=False), EmbeddedPostgres(tmp_path, durable=False)
    first.start()
    with pytest.raises(DatabaseUnavailable, match=f"is in use by process {os.getpid()}"):
        EmbeddedPostgres(tmp_path, durable=False).start()
    assert not EmbeddedPostgres(tmp_path, durable=False).start(share=True)

    starting = asyncio.create_task(asyncio.to_thread(second.start, lock_timeout=30))
    joining = asyncio.create_task(EmbeddedPostgres(tmp_path, durable=False).join())
    await joining
    await asyncio.to_thread(first.stop)

    assert await starting
    await EmbeddedPostgres(tmp_path, durable=False).join()
    assert await answer(tmp_path) == 42
    await asyncio.to_thread(second.stop)


async def test_a_process_id_that_belongs_to_somebody_else_is_no_obstacle(tmp_path: Path) -> None:
    async with run_server(EmbeddedPostgres(tmp_path, durable=False)):
        lines = postmaster_lines(tmp_path / "postgres")
    lines[0] = str(os.getppid())
    (tmp_path / "postgres" / "postmaster.pid").write_text("\n".join(lines) + "\n")

    async with run_server(EmbeddedPostgres(tmp_path, durable=False)):
        assert await answer(tmp_path) == 42


async def test_an_initialisation_that_was_cut_off_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")

    async with run_server(EmbeddedPostgres(tmp_path, durable=False)):
        assert await answer(tmp_path) == 42


def test_a_folder_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "holiday.jpg").touch()

    with pytest.raises(DatabaseUnavailable, match="is not a database: it has no PG_VERSION"):
        EmbeddedPostgres(tmp_path).start()


def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("12\n")

    with pytest.raises(DatabaseUnavailable, match="is of PostgreSQL 12, but 18 is installed"):
        EmbeddedPostgres(tmp_path).start()


def test_a_damaged_database_is_refused_with_its_own_words(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, durable=False)
    server.start()
    server.stop()
    (tmp_path / "postgres" / "global" / "pg_control").unlink()

    with pytest.raises(DatabaseUnavailable, match="does not start: could not find the database system"):
        EmbeddedPostgres(tmp_path, durable=False).start()


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    with pytest.raises(DatabaseUnavailable, match="cannot be used"):
        EmbeddedPostgres(tmp_path / "data").start()
