"""The embedded PostgreSQL with the folders that people have."""

import os
import signal
from pathlib import Path

import asyncpg
import psutil
import pytest

from core.settings import driverless_url
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

    async with run_server(EmbeddedPostgres(tmp_path, durable=False)) as second:
        assert await answer(tmp_path) == 42
        assert second.pid != left.pid
        first.stop()

    assert not left.is_running()


async def test_a_crashed_database_recovers(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path, durable=False)
    first.start()
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    first.stop()

    async with run_server(EmbeddedPostgres(tmp_path, durable=False)):
        assert await answer(tmp_path) == 42


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
        server.start()


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    with pytest.raises(DatabaseUnavailable, match="cannot be used"):
        EmbeddedPostgres(tmp_path / "data").start()
