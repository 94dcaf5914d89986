"""Time limits on computing: they bound the computing, not the wait for its turn."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pipelines.runtime.process_pool import ProcessPool


@pytest_asyncio.fixture
async def alone() -> AsyncIterator[ProcessPool]:
    """One child process for all."""
    processes = ProcessPool(1)
    yield processes
    await processes.close()


async def test_waiting_for_a_child_is_not_counted(alone: ProcessPool) -> None:
    holding = asyncio.create_task(alone.run(time.sleep, 3))
    await asyncio.sleep(0)

    assert await alone.run_within(2, abs, -1) == 1
    await holding


async def test_what_takes_too_long_is_killed_and_the_next_is_served(alone: ProcessPool) -> None:
    with pytest.raises(TimeoutError):
        await alone.run_within(0.3, time.sleep, 600)

    assert await alone.run(abs, -1) == 1
