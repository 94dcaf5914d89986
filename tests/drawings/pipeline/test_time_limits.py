"""Limits of computing: they bound what is computed, not the wait for a turn or a busy machine."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from pipelines.runtime import process_pool
from pipelines.runtime.phases import begin_phase
from pipelines.runtime.process_pool import (
    ComputationTimeout,
    LibraryCrashed,
    Limits,
    MemoryExceeded,
    ProcessPool,
)


def spin(seconds: float) -> float:
    """Uses so many CPU seconds."""
    start = time.process_time()
    while time.process_time() - start < seconds:
        pass
    return seconds


def spin_until(path: Path) -> int:
    """Computes until a file exists; answers the priority at which it ends."""
    while not path.exists():
        spin(0.01)
    return os.getpriority(os.PRIO_PROCESS, 0)


def spin_in_phases(*seconds: float) -> None:
    """Each phase may use half a CPU second."""
    for number, amount in enumerate(seconds):
        begin_phase(f"phase {number}", 0.5)
        spin(amount)


def spin_for_priority(seconds: float) -> int:
    """Uses so many CPU seconds; answers the priority at which it ends."""
    spin(seconds)
    return os.getpriority(os.PRIO_PROCESS, 0)


def allocate(size: int) -> int:
    """Uses so many bytes."""
    return int(np.ones(size, np.uint8).sum())


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


async def test_a_computation_may_take_its_time_while_it_waits_for_a_processor(alone: ProcessPool) -> None:
    assert await alone.run_within(2.0, sleep_and_spin, 60) == 60


def sleep_and_spin(times: int) -> int:
    """Waits for longer than it computes."""
    for _ in range(times):
        time.sleep(0.05)
        spin(0.01)
    return times


async def test_cpu_seconds_are_limited(alone: ProcessPool) -> None:
    with pytest.raises(ComputationTimeout, match=r"exceeded its timeout of 0\.5 seconds") as exceeded:
        await alone.run_within(0.5, spin, 600)

    assert exceeded.value.phase is None
    assert await alone.run_within(20, spin, 0.1) == 0.1


async def test_each_phase_has_its_limit(alone: ProcessPool) -> None:
    await alone.run_within(20, spin_in_phases, 0.3, 0.3, 0.3)

    with pytest.raises(ComputationTimeout) as exceeded:
        await alone.run_within(20, spin_in_phases, 0.1, 600)

    assert exceeded.value.phase == "phase 1"


async def test_a_phase_means_nothing_outside_a_child_process() -> None:
    begin_phase("drawing", 1)


async def test_memory_is_limited_for_one_call(alone: ProcessPool) -> None:
    with pytest.raises(MemoryExceeded, match="more than the 64 MB of memory that it may use"):
        await alone.run_within(Limits(memory=64 << 20), allocate, 256 << 20)

    assert await alone.run_within(Limits(memory=512 << 20), allocate, 256 << 20) == 256 << 20
    assert await alone.run(allocate, 256 << 20) == 256 << 20


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGTRAP])
async def test_a_crash_within_limited_memory_is_not_said_to_be_want_of_memory(
    alone: ProcessPool, number: signal.Signals
) -> None:
    with pytest.raises(LibraryCrashed, match=rf"signal {number:d}\). It is not known why"):
        await alone.run_within(Limits(memory=64 << 20), signal.raise_signal, number)


async def test_who_has_several_places_leaves_one_soon_to_another_who_waits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process_pool, "SLOW_CPU_SECONDS", 600.0)
    monkeypatch.setattr(process_pool, "CROWDED_CPU_SECONDS", 0.1)
    processes, written = ProcessPool(2), tmp_path / "written by another"
    crowd, another = processes.owned_by("crowd"), processes.owned_by("another")
    try:
        held = [asyncio.create_task(crowd.run(spin_until, written)) for _ in range(2)]
        await asyncio.sleep(0)

        await another.run(Path.touch, written)

        assert sorted(await asyncio.gather(*held))[1] == 19
    finally:
        await processes.close()


async def test_who_is_slow_and_keeps_a_place_goes_after_another_owner(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process_pool, "SLOW_CPU_SECONDS", 0.1)
    processes, written = ProcessPool(2), tmp_path / "written"
    slow, another = processes.owned_by("slow"), processes.owned_by("another")
    try:
        held = [asyncio.create_task(slow.run(spin_until, written)) for _ in range(2)]
        await asyncio.sleep(0)

        await another.run(spin, 0.8)
        written.touch()

        assert await asyncio.gather(*held) == [19, 19]
    finally:
        await processes.close()


async def test_who_has_one_place_keeps_it_although_another_waits(
    alone: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_pool, "SLOW_CPU_SECONDS", 600.0)
    monkeypatch.setattr(process_pool, "CROWDED_CPU_SECONDS", 0.1)
    held = asyncio.create_task(alone.owned_by("one").run(spin_for_priority, 0.6))
    await asyncio.sleep(0)

    await alone.owned_by("another").run(abs, -1)

    assert await held < 19


async def test_a_slow_computation_leaves_its_place(
    alone: ProcessPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process_pool, "SLOW_CPU_SECONDS", 0.2)
    written = tmp_path / "written by the second computation"
    slow = asyncio.create_task(alone.run(spin_until, written))
    await asyncio.sleep(0)

    await alone.run(Path.touch, written)

    assert await slow == 19
    assert await alone.run(os.getpriority, os.PRIO_PROCESS, 0) < 19


async def test_only_so_many_slow_computations_leave_their_places(
    alone: ProcessPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process_pool, "SLOW_CPU_SECONDS", 0.2)
    first, second = tmp_path / "first", tmp_path / "second"
    slow = [asyncio.create_task(alone.run(spin_until, path)) for path in (first, second)]
    third = asyncio.create_task(alone.run(Path.exists, second))
    await asyncio.wait({third}, timeout=1.5)
    waited = not third.done()
    first.touch()
    await slow[0]

    assert waited
    assert await third is False
    second.touch()
    await slow[1]
