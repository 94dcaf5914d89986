"""Workers that die, freeze, or are told to stop: somebody else goes on."""

import os
import signal
from datetime import timedelta
from typing import Any

import psutil
import pytest
from sqlalchemy import func

from db.queue import HeldElsewhere, claim
from db.queue.entries import Entry
from db.queue.fenced_attempts import MAX_WORKER_DEATHS, SUSPECT_DEATHS
from tests.db.queue.conftest import PATIENCE, Hall
from tests.db.queue.sample_tasks import Block, Burn, Count, Fail


async def test_a_killed_workers_job_goes_on_elsewhere_from_its_checkpoint(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 40, 0.05))
    worker = hall.start_worker()
    await hall.until(lambda: hall.lines("begun"))

    async def under_way() -> bool:
        checkpoint = (await hall.row(id)).checkpoint
        return checkpoint is not None and checkpoint["at"] >= 3

    await hall.until(under_way)
    worker.kill()
    worker.wait(timeout=30)
    async with hall.working():
        row = await hall.ended(id, "completed")

    first, second = (line.split() for line in hall.lines("begun"))
    assert (row.attempts, row.epoch, row.job_metadata) == (2, 2, {"counted": 40})
    assert first[1:3] == ["1", "0"]
    assert second[1] == "2"
    assert 3 <= int(second[2]) <= 40
    assert hall.lines("counted") == ["counted 2"]


async def test_computing_dies_with_its_worker(hall: Hall) -> None:
    id = await hall.add(Burn(hall.trail))
    worker = hall.start_worker()
    (child,) = await hall.until(lambda: hall.lines("child"))
    process = psutil.Process(int(child.split()[1]))

    worker.kill()
    worker.wait(timeout=30)
    await hall.until(lambda: not process.is_running())
    async with hall.working():
        row = await hall.ended(id, "completed")

    assert row.attempts == 2


async def test_a_job_that_kills_its_workers_fails_alone(hall: Hall) -> None:
    """It is isolated after five workers; the next survives it, together with the jobs beside it."""
    id = await hall.add(Fail(hall.trail, "die"))
    for deaths in range(SUSPECT_DEATHS):
        assert (await hall.lease(id)).deaths == max(0, deaths - 1)
        assert hall.start_worker().wait(PATIENCE) == -signal.SIGKILL
    innocent = await hall.add(Count(hall.trail, 3, 0))

    async with hall.working():
        row = await hall.ended(id, "failed")
        await hall.ended(innocent, "completed")

    reason = "The job stopped its own process unexpectedly (signal 9)."
    assert (row.error_message, row.attempts) == (reason, SUSPECT_DEATHS + Fail.max_attempts)
    assert hall.lines("ended") == [f"ended failed {reason}"]


async def test_a_suspected_job_completes_in_isolation(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 3, 0))
    await suspect(hall)

    async with hall.working():
        row = await hall.ended(id, "completed")

    assert (row.attempts, row.checkpoint, row.job_metadata) == (1, {"at": 3}, {"counted": 3})
    (begun,) = hall.lines("begun")
    assert int(begun.split()[3]) != os.getpid()
    assert await hall.lease(id) is None


async def test_a_suspected_job_that_is_cancelled_stops(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1000, 0.1))
    await suspect(hall)

    async with hall.working():
        (begun,) = await hall.until(lambda: hall.lines("begun"))
        await hall.cancel(id)
        await hall.ended(id, "cancelled")

    assert not psutil.pid_exists(int(begun.split()[3]))


async def test_a_suspected_job_waits_out_an_outage(hall: Hall) -> None:
    id = await hall.add(Fail(hall.trail, "no vectors"))
    await suspect(hall)

    async with hall.working():

        async def waits() -> Any:
            row = await hall.row(id)
            return row if row.waiting_for else None

        row = await hall.until(waits)

    assert row.waiting_for == "The vector store is unavailable."
    lease = await hall.lease(id)
    assert lease is not None
    assert (lease.failures, lease.faults) == (0, 1)


async def test_a_job_whose_workers_die_without_end_fails(hall: Hall) -> None:
    id = await hall.add(Fail(hall.trail, "die"))
    lease = await hall.lease(id)
    assert lease is not None
    for number in range(MAX_WORKER_DEATHS + 1):
        entry = Entry(id, hall.company_id, "Fail")
        attempt = await claim(hall.database, entry, lease.entry_id, f"killed {number}")
        assert (attempt is None) == (number == MAX_WORKER_DEATHS)

    row = await hall.row(id)
    assert row.error_message == "The worker stopped unexpectedly in each of 32 attempts."


async def suspect(hall: Hall) -> None:
    """Count as many deaths as make a job suspected."""
    await hall.change_leases(deaths=SUSPECT_DEATHS)


async def test_workers_that_are_killed_many_times_fail_no_job(hall: Hall) -> None:
    id = await hall.add(Block(hall.trail, 0))
    for deaths in range(1, 10):
        lease = await hall.lease(id)
        assert lease is not None
        await claim(hall.database, Entry(id, hall.company_id, "Block"), lease.entry_id, f"killed {deaths}")
        assert (await hall.lease(id)).deaths == deaths - 1

    async with hall.working():
        row = await hall.ended(id, "completed")

    assert (row.attempts, row.epoch, row.error_message) == (10, 10, None)


async def test_progress_forgets_the_workers_that_died(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))
    entry = Entry(id, hall.company_id, "Count")
    lease = await hall.lease(id)
    assert lease is not None
    await claim(hall.database, entry, lease.entry_id, "killed")
    second = await claim(hall.database, entry, lease.entry_id, "alive")
    assert second is not None
    assert (await hall.lease(id)).deaths == 1

    async with second.write() as uow:
        await second.mark_progress(uow)

    assert (await hall.lease(id)).deaths == 0


async def test_the_job_of_a_worker_that_is_alive_is_not_taken_over(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))
    entry, minute = Entry(id, hall.company_id, "Count"), timedelta(minutes=1)
    lease = await hall.lease(id)
    assert lease is not None
    first = await claim(hall.database, entry, lease.entry_id, "first")
    assert first is not None
    before = await hall.row(id)

    with pytest.raises(HeldElsewhere):
        await claim(hall.database, entry, lease.entry_id, "second", minute)
    assert await hall.row(id) == before

    await hall.change_leases(heartbeat_at=func.now() - minute)
    second = await claim(hall.database, entry, lease.entry_id, "second", minute)
    assert second is not None
    assert second.epoch == 2


async def test_a_worker_that_froze_finds_its_job_taken(hall: Hall) -> None:
    id = await hall.add(Block(hall.trail, 3))
    worker = hall.start_worker()
    await hall.until(lambda: hall.lines("begun 1"))

    async with hall.working():
        row = await hall.ended(id, "completed")
        assert (row.attempts, row.checkpoint) == (2, {"by": 2})
        worker.terminate()
        assert worker.wait(PATIENCE) == 0

    assert await hall.row(id) == row
    assert hall.lines() == ["begun 1", "begun 2", "wrote 2"]
    assert [path.name for path in (hall.folder / "objects").rglob("blocked/*")] == ["2"]
    assert await hall.lease(id) is None


async def test_a_worker_required_to_stop_lets_short_jobs_end_and_gives_long_ones_back(hall: Hall) -> None:
    hall.settings = hall.settings.model_copy(update={"job_grace": 5})
    long = await hall.add(Count(hall.trail, 1000, 0.1))
    short = await hall.add(Count(hall.trail, 3, 0.1))
    worker = hall.start_worker()
    await hall.until(lambda: len(hall.lines("begun")) == 2)

    worker.terminate()
    assert worker.wait(PATIENCE) == 0

    requeued, done = await hall.row(long), await hall.row(short)
    lease = await hall.lease(long)
    assert done.status.value == "completed"
    assert (requeued.status.value, requeued.attempts, requeued.epoch) == ("pending", 0, 1)
    assert lease is not None
    assert (lease.state.value, lease.worker) == ("queued", None)
    assert await hall.entries() == ["queued"]
    assert hall.lines("ended") == []


async def test_what_is_returned_is_taken_without_waiting_to_be_found(patient: Hall) -> None:
    patient.settings = patient.settings.model_copy(update={"job_grace": 0})
    id = await patient.add(Count(patient.trail, 1000, 0.1))
    leaving = patient.start_worker()
    await patient.until(lambda: patient.lines("begun 1"))

    async with patient.working():
        leaving.terminate()
        await patient.until(lambda: len(patient.lines("begun")) == 2)
        await patient.cancel(id)
        row = await patient.ended(id, "cancelled")

    assert leaving.wait(PATIENCE) == 0
    assert (row.attempts, row.epoch) == (1, 2)


async def test_what_was_cancelled_when_its_worker_died_ends_cancelled(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1000, 0.1))
    worker = hall.start_worker()
    await hall.until(lambda: hall.lines("begun"))
    worker.kill()
    worker.wait(timeout=30)

    row = await hall.cancel(id)
    assert row.status.value == "running"
    async with hall.working():
        await hall.ended(id, "cancelled")

    assert len(hall.lines("begun")) == 1
