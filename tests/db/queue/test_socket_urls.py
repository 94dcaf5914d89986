"""Jobs of a database on a Unix socket whose folder has colons in its name."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from core.settings import Settings
from server.embedded.postgres import socket_folder
from tests.conftest import Postgres
from tests.db.queue.conftest import Hall
from tests.db.queue.sample_tasks import Count
from tests.db.queue.test_takeover import suspect


@pytest.fixture
def settings(postgres: Postgres, tmp_path: Path) -> Iterator[Settings]:
    with TemporaryDirectory(prefix="c", dir="/tmp") as above:
        folder = Path(above) / "project:europe-west1:instance"
        folder.symlink_to(socket_folder(postgres.data))
        yield Settings(
            data=tmp_path,
            database_url=f"postgresql://app_rw@/seshat?host={folder}",
            secret_key="a secret that only the tests know of",
        )


async def test_workers_and_isolated_processes_find_the_database(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 3, 0))
    worker = hall.start_worker()
    await hall.ended(id, "completed")
    worker.terminate()
    worker.wait(timeout=30)

    suspected = await hall.add(Count(hall.trail, 3, 0))
    await suspect(hall)
    async with hall.working():
        row = await hall.ended(suspected, "completed")

    assert (row.attempts, hall.lines("counted")) == (1, ["counted 1", "counted 1"])
