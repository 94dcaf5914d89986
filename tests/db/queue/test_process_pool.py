"""Computing in child processes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from core.errors import Invalid
from pipelines.runtime.process_pool import ProcessDied, ProcessPool, RemoteTraceback
from tests.db.queue.sample_tasks import spin


class Untold(Exception):
    """Cannot travel: it does not take what it gives."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def refuse() -> None:
    """A refusal."""
    raise Invalid("No such page.", "input", "page")


def confuse() -> None:
    """An error that cannot be pickled and read again."""
    raise Untold("good", "night")


def swell(size: int) -> int:
    """Uses so many bytes."""
    return len(b"x" * size)


@pytest_asyncio.fixture
async def processes() -> AsyncIterator[ProcessPool]:
    processes = ProcessPool(2)
    yield processes
    await processes.close()


async def test_a_child_answers_and_is_retried(processes: ProcessPool) -> None:
    first, second = await processes.run(os.getpid), await processes.run(os.getpid)

    assert first == second != os.getpid()


async def test_large_arguments_and_results_travel(processes: ProcessPool) -> None:
    assert await processes.run(bytes.upper, b"x" * 5_000_000) == b"X" * 5_000_000


async def test_no_more_children_than_the_limit(processes: ProcessPool) -> None:
    answers = await asyncio.gather(*(processes.run(os.getpid) for _ in range(6)))

    assert len(set(answers)) == 2


async def test_an_error_arrives_with_its_origin(processes: ProcessPool) -> None:
    with pytest.raises(Invalid, match="No such page") as refused:
        await processes.run(refuse)

    assert refused.value.path == ("input", "page")
    assert isinstance(refused.value.__cause__, RemoteTraceback)
    assert "in refuse" in str(refused.value.__cause__)


async def test_an_error_that_cannot_travel_is_described(processes: ProcessPool) -> None:
    with pytest.raises(RuntimeError, match="Untold: good night"):
        await processes.run(confuse)

    assert await processes.run(abs, -1) == 1


async def test_a_child_that_dies_is_an_error_and_is_replaced(processes: ProcessPool) -> None:
    with pytest.raises(ProcessDied, match=r"The computation stopped unexpectedly \(signal 9\)."):
        await processes.run(os.kill, *(await processes.run(os.getpid), signal.SIGKILL))

    assert await processes.run(abs, -1) == 1


async def test_a_child_that_died_while_it_waited_is_not_requested(processes: ProcessPool) -> None:
    child = psutil.Process(await processes.run(os.getpid))
    child.kill()
    async with asyncio.timeout(5):
        while child.is_running():  # noqa: ASYNC110 - a process's end tells nobody
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)

    assert await processes.run(os.getpid) != child.pid


async def test_a_child_that_has_grown_large_is_not_retried(processes: ProcessPool) -> None:
    first = await processes.run(os.getpid)

    assert await processes.run(swell, 1_100_000_000) == 1_100_000_000

    assert await processes.run(os.getpid) != first


async def test_a_large_parent_does_not_make_its_children_large(processes: ProcessPool) -> None:
    ballast = b"x" * 1_200_000_000

    first, second = await processes.run(os.getpid), await processes.run(os.getpid)

    assert first == second
    assert len(ballast) == 1_200_000_000


async def test_a_time_limit_kills(processes: ProcessPool, tmp_path: Path) -> None:
    trail = tmp_path / "trail"

    async def expire(limit: asyncio.Timeout) -> None:
        while not trail.exists() or not trail.read_text():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.01)
        limit.reschedule(0)

    async def overrun() -> None:
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as tasks:
            tasks.create_task(expire(limit))
            await processes.run(spin, str(trail))

    with pytest.raises(TimeoutError):
        await overrun()

    pid = int(trail.read_text().split()[1])
    async with asyncio.timeout(5):
        while psutil.pid_exists(pid):  # noqa: ASYNC110 - a process's end tells nobody
            await asyncio.sleep(0.01)


async def test_closing_ends_every_child() -> None:
    processes = ProcessPool(1)
    child = psutil.Process(await processes.run(os.getpid))

    await processes.close()

    assert not child.is_running()
