"""Workers that die, freeze, or are told to stop: somebody else goes on."""

import signal

import psutil

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
    worker.wait()
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
    worker.wait()
    await hall.until(lambda: not process.is_running())
    async with hall.working():
        row = await hall.ended(id, "completed")

    assert row.attempts == 2


async def test_a_job_that_kills_its_workers_fails(hall: Hall) -> None:
    id = await hall.add(Fail(hall.trail, "die"))

    for _ in range(2):
        assert hall.start_worker().wait(PATIENCE) == -signal.SIGKILL
    async with hall.working():
        row = await hall.ended(id, "failed")

    reason = "The worker stopped unexpectedly in each of 2 attempts."
    assert row.error_message == reason
    assert hall.lines() == ["begun 1", "begun 2", f"ended failed {reason}"]


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
    assert await hall.lease(id) is None


async def test_a_worker_required_to_stop_lets_short_jobs_end_and_gives_long_ones_back(hall: Hall) -> None:
    hall.settings = hall.settings.model_copy(update={"job_grace": 2})
    long = await hall.add(Count(hall.trail, 1000, 0.1))
    short = await hall.add(Count(hall.trail, 5, 0.1))
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
    worker.wait()

    row = await hall.cancel(id)
    assert row.status.value == "running"
    async with hall.working():
        await hall.ended(id, "cancelled")

    assert len(hall.lines("begun")) == 1
