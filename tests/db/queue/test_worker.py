"""Working on jobs: how they end, are tried again, stopped, shared out."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from core.settings import SettingsError
from db.models import JobStatus, LeaseState, ProcessingJob
from db.queue import Attempt, Fault, LostLease, UnknownTask, claim, is_transient, leases
from db.queue.driver import SlotQueries
from db.queue.entries import Entry
from db.uow import UnitOfWork
from tests.conftest import Unchanged, running_workers
from tests.db.queue.conftest import Hall, a_company
from tests.db.queue.sample_tasks import QUEUE, URGENT, Burn, Count, Fail, Faulty, Hurry

OUTAGES = {
    "for ever": "The model is busy.",
    "no connection": "The database is unavailable.",
    "disk full": "The worker's disk is full.",
    "no vectors": "The vector store is unavailable.",
    "no store": "The object store is unavailable.",
}


async def test_a_job_completes_with_what_it_writes_at_the_end(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 3, 0))

    async with hall.working():
        row = await hall.ended(id, "completed")
        await hall.until(lambda: hall.entries_gone())

    assert (row.progress, row.attempts, row.epoch, row.error_message) == (100, 1, 1, None)
    assert (row.checkpoint, row.job_metadata) == ({"at": 3}, {"counted": 3})
    assert row.created_at <= row.started_at <= row.completed_at
    assert await hall.lease(id) is None


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("refusal", "The sheets are all blank."),
        ("bug", "Internal error (id "),
        ("cancelled by itself", "Internal error (id "),
        ("at the end", "Somebody else was faster."),
    ],
)
async def test_what_time_does_not_cure_fails_at_once(hall: Hall, how: str, message: str) -> None:
    id = await hall.add(Fail(hall.trail, how))

    async with hall.working():
        row = await hall.ended(id, "failed")

    assert row.error_message.startswith(message)
    assert "secret" not in row.error_message
    assert (row.attempts, row.subject) == (1, None)
    assert hall.lines() == ["begun 1", f"ended failed {row.error_message}"]
    assert await hall.lease(id) is None


async def test_a_job_ends_although_what_follows_from_it_fails(hall: Hall) -> None:
    id = await hall.add(Faulty(hall.trail))

    async with hall.working():
        row = await hall.ended(id, "failed")

    assert (row.error_message, row.subject) == ("It broke.", None)
    assert await hall.lease(id) is None


async def test_a_worker_outlives_faults_of_its_loop(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    dequeue = SlotQueries.dequeue

    async def faulty(claims: SlotQueries, *args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise KeyError("unforeseen")
        return await dequeue(claims, *args, **options)

    monkeypatch.setattr(SlotQueries, "dequeue", faulty)
    id = await hall.add(Count(hall.trail, 1, 0))

    async with hall.working():
        row = await hall.ended(id, "completed")

    assert row.attempts == 1


async def test_a_task_of_another_release_is_left_to_that_release(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))
    lease = await hall.lease(id)
    assert lease is not None

    with pytest.raises(UnknownTask):
        await claim(hall.database, Entry(id, hall.company_id, "Unheard"), lease.entry_id, "any")

    assert (await hall.row(id)).status is JobStatus.PENDING
    assert await hall.lease(id) == lease


async def test_a_job_with_arguments_of_another_release_fails(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))
    async with hall.database.tenant(hall.company_id) as uow:
        await uow.execute(update(ProcessingJob).values(arguments={"much": "else"}))

    async with hall.working():
        row = await hall.ended(id, "failed")

    assert row.error_message == "Invalid arguments for the task Count."
    assert (row.attempts, await hall.lease(id)) == (0, None)


@pytest.mark.parametrize(
    ("error", "cured"),
    [
        (DBAPIError("", None, asyncpg.DeadlockDetectedError("")), True),
        (DBAPIError("", None, asyncpg.LockNotAvailableError("")), True),
        (DBAPIError("", None, asyncpg.AdminShutdownError("")), True),
        (DBAPIError("", None, asyncpg.TooManyConnectionsError("")), True),
        (DBAPIError("", None, OSError(), connection_invalidated=True), True),
        (DBAPIError("", None, asyncpg.UniqueViolationError("")), False),
        (DBAPIError("", None, asyncpg.QueryCanceledError("")), False),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (FileNotFoundError(errno.ENOENT, "no socket"), True),
        (FileNotFoundError(errno.ENOENT, "no file", "name"), False),
        (FileNotFoundError(), False),
        (PendingRollbackError(), True),
        (ValueError(), False),
    ],
)
def test_what_time_may_cure(error: Exception, cured: bool) -> None:
    assert is_transient(error) is cured


async def test_another_attempt_is_made_without_waiting_to_be_found(patient: Hall) -> None:
    id = await patient.add(Fail(patient.trail, "for a while"))

    async with patient.working():
        row = await patient.ended(id, "completed")

    assert (row.attempts, row.epoch, row.error_message) == (2, 2, None)
    assert patient.lines() == ["begun 1", "begun 2"]


@pytest.mark.parametrize("how", ["for ever", "no connection", "disk full", "no vectors", "no store"])
async def test_a_job_says_what_it_waits_for_and_uses_up_no_attempt(hall: Hall, how: str) -> None:
    id = await hall.add(Fail(hall.trail, how))

    async with hall.working():
        await hall.until(lambda: len(hall.lines("begun")) > Fail.max_attempts)

        async def waits() -> Any:
            row = await hall.row(id)
            return row if row.waiting_for else None

        row = await hall.until(waits)
        lease = await hall.lease(id)
        await hall.cancel(id)
        ended = await hall.ended(id, "cancelled")

    assert row.status is JobStatus.PENDING
    assert (row.waiting_for, row.error_message) == (OUTAGES[how], None)
    assert row.next_attempt_at > row.updated_at
    assert lease is not None
    assert (lease.failures, lease.faults) == (0, row.attempts)
    assert (ended.waiting_for, ended.next_attempt_at) == (None, None)


async def test_after_its_deadline_a_job_fails_with_what_it_waited_for(hall: Hall) -> None:
    id = await hall.add(Fail(hall.trail, "for ever"))
    await hall.change_leases(waiting_since=func.now() - Fail.retry_deadline)

    async with hall.working():
        row = await hall.ended(id, "failed")

    assert (row.attempts, row.error_message, row.waiting_for) == (1, "The model is busy.", None)
    assert hall.lines() == ["begun 1", "ended failed The model is busy."]


async def test_progress_restarts_the_deadline(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))
    await hall.change_leases(waiting_since=func.now() - Count.retry_deadline, faults=99)
    lease = await hall.lease(id)
    assert lease is not None
    attempt = await claim(hall.database, Entry(id, hall.company_id, "Count"), lease.entry_id, "any")
    assert attempt is not None
    assert attempt.is_last

    async with attempt.write() as uow:
        await attempt.mark_progress(uow)
    delay = await attempt.postpone(Fault("The vector store is unavailable."))

    assert not attempt.is_last
    assert timedelta(seconds=0.8) <= delay <= timedelta(seconds=1.2)
    lease = await hall.lease(id)
    assert lease is not None
    assert lease.faults == 1


async def test_a_job_waits_for_the_database_where_it_is(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await hall.add(Count(hall.trail, 3, 0))
    left, write = 3, Attempt.write

    @asynccontextmanager
    async def away(attempt: Attempt) -> AsyncIterator[UnitOfWork]:
        """The database cannot be reached for the first calls."""
        nonlocal left
        left -= 1
        if left >= 0:
            raise ConnectionRefusedError
        async with write(attempt) as uow:
            yield uow

    monkeypatch.setattr(Attempt, "write", away)
    async with hall.working():
        row = await hall.ended(id, "completed")

    assert (row.attempts, row.checkpoint) == (1, {"at": 3})
    assert left < 0


async def test_a_job_whose_computations_die_fails_after_its_attempts(patient: Hall) -> None:
    id = await patient.add(Fail(patient.trail, "child dies"))

    async with patient.working():
        row = await patient.ended(id, "failed")

    assert (row.attempts, row.error_message) == (2, "The computation stopped unexpectedly (signal 9).")
    assert patient.lines("begun") == ["begun 1", "begun 2"]


async def test_a_computation_whose_process_was_killed_once_is_run_again(patient: Hall) -> None:
    id = await patient.add(Fail(patient.trail, "child is killed"))

    async with patient.working():
        row = await patient.ended(id, "completed")

    assert (row.attempts, row.error_message) == (1, None)
    assert patient.lines("child") == ["child killed", "child done"]


async def test_cancelling_stops_a_running_job_and_its_computing(patient: Hall) -> None:
    id = await patient.add(Burn(patient.trail))

    async with patient.working():
        (child,) = await patient.until(lambda: patient.lines("child"))
        process = psutil.Process(int(child.split()[1]))
        await patient.cancel(id)
        row = await patient.ended(id, "cancelled")
        await patient.until(lambda: not process.is_running())

    assert (row.error_message, row.progress) == (None, 0)
    assert patient.lines("ended") == ["ended cancelled The job was cancelled."]
    assert await patient.lease(id) is None


async def test_a_cancellation_that_nobody_reported_is_found(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1000, 0.1))

    async with hall.working():
        await hall.until(lambda: hall.lines("begun"))
        await hall.change_leases(state=LeaseState.CANCELLING)
        await hall.ended(id, "cancelled")

    assert hall.lines("ended") == ["ended cancelled The job was cancelled."]


async def test_work_goes_on_after_every_connection_was_lost(patient: Hall) -> None:
    running = await patient.add(Count(patient.trail, 1000, 0.2))

    async with patient.working():
        await patient.until(lambda: patient.lines("begun"))
        async with patient.database.platform() as uow:
            others = "usename = current_user AND pid <> pg_backend_pid()"
            await uow.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        next_job = await patient.add(Fail(patient.trail, "not at all"))
        await patient.ended(next_job, "completed")
        await patient.cancel(running)
        await patient.until(lambda: patient.is_over(running))


async def test_an_attempt_that_was_taken_over_writes_nothing_more(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))
    entry = Entry(id, hall.company_id, "Count")
    lease = await hall.lease(id)
    assert lease is not None
    first = await claim(hall.database, entry, lease.entry_id, "first")
    second = await claim(hall.database, entry, lease.entry_id, "second")
    assert first is not None
    assert second is not None
    before = await hall.row(id)

    with pytest.raises(LostLease):
        async with first.write() as uow:
            await first.update(uow, progress=50)
    postponed = first.postpone(Fault("Later."))
    for end in (first.complete(None), first.fail("It failed."), postponed, first.settle()):
        with pytest.raises(LostLease):
            await end

    assert (first.epoch, first.number, second.epoch, second.number) == (1, 1, 2, 2)
    assert await hall.row(id) == before
    await second.complete(None)
    assert (await hall.row(id)).status is JobStatus.COMPLETED


async def test_a_takeover_waits_for_a_write_that_has_begun(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))
    entry = Entry(id, hall.company_id, "Count")
    lease = await hall.lease(id)
    assert lease is not None
    first = await claim(hall.database, entry, lease.entry_id, "first")
    assert first is not None

    async with first.write() as uow:
        taking = asyncio.create_task(claim(hall.database, entry, lease.entry_id, "second"))
        await asyncio.sleep(0.3)
        assert not taking.done()
        await first.update(uow, checkpoint={"at": 7})
    second = await taking

    assert second is not None
    assert second.checkpoint == {"at": 7}


async def test_a_lease_without_an_entry_gets_another(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))
    async with hall.database.platform() as uow:
        await uow.execute(text("DELETE FROM platform.pgqueuer"))
    await hall.change_leases(heartbeat_at=func.now() - timedelta(minutes=1))

    assert await hall.requeue_lost(timedelta(seconds=30)) == 1
    assert await hall.requeue_lost(timedelta(seconds=30)) == 0

    async with hall.working():
        await hall.ended(id, "completed")


async def test_a_job_whose_row_is_gone_is_forgotten(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))
    async with hall.database.tenant(hall.company_id) as uow:
        await uow.execute(text("DELETE FROM tenant.processing_jobs"))

    async with hall.working():
        await hall.until(lambda: hall.entries_gone())

    assert await hall.lease(id) is None
    assert hall.lines() == []


async def test_a_small_company_does_not_wait_for_a_large_one(hall: Hall) -> None:
    large, small = [], []
    other = await a_company(hall.database)
    for _ in range(12):
        large.append(await hall.add(Count(hall.trail, 1, 0)))
    for _ in range(3):
        small.append(await hall.add(Count(hall.trail, 1, 0), other))

    async with hall.database.platform(read_only=True) as uow:
        turns = text("SELECT payload FROM platform.pgqueuer ORDER BY priority DESC, id")
        order = [Entry.unpack(row.payload).job_id for row in await uow.all(turns)]

    assert [id in small for id in order[:6]] == [False, True, False, True, False, True]
    assert order[6:] == large[3:]


async def test_no_more_jobs_of_a_queue_run_than_its_limit(hall: Hall) -> None:
    ids = [await hall.add(Count(hall.trail, 2, 0.05)) for _ in range(4)]

    hall.settings = hall.settings.model_copy(update={"queue_limits": {QUEUE: 1}})

    async with hall.working(), hall.working():
        for id in ids:
            await hall.ended(id, "completed")

    words = [line.split()[0] for line in hall.lines()]
    assert words == ["begun", "counted"] * 4


async def test_a_queue_with_slots_of_its_own_does_not_wait_for_the_others(patient: Hall) -> None:
    patient.settings = patient.settings.model_copy(update={"queue_slots": {URGENT: 1}})
    long = [await patient.add(Burn(patient.trail)) for _ in range(3)]

    async with patient.working():
        await patient.until(lambda: len(patient.lines("child")) == patient.settings.job_concurrency)
        urgent = await patient.add(Hurry(patient.trail))
        await patient.ended(urgent, "completed")

        assert [await patient.is_over(id) for id in long] == [False, False, False]
        for id in reversed(long):
            await patient.cancel(id)
        for id in long:
            await patient.ended(id, "cancelled")

    assert patient.lines("hurried") == ["hurried 1"]
    assert patient.lines("begun") == ["begun 1"] * patient.settings.job_concurrency


async def test_without_slots_of_its_own_a_queue_waits_with_the_others(patient: Hall) -> None:
    patient.settings = patient.settings.model_copy(update={"queue_slots": {}, "job_concurrency": 1})
    long = await patient.add(Burn(patient.trail))

    async with patient.working():
        await patient.until(lambda: patient.lines("child"))
        urgent = await patient.add(Hurry(patient.trail))
        await patient.cancel(long)
        await patient.ended(urgent, "completed")

    ends = [line.split()[0] for line in patient.lines()]
    assert ends == ["begun", "child", "ended", "hurried"]


@pytest.mark.parametrize("name", ["queue_slots", "queue_limits"])
async def test_a_setting_of_a_queue_that_nobody_works_on_is_refused(hall: Hall, name: str) -> None:
    hall.settings = hall.settings.model_copy(update={name: {"chat": 1, "chats": 1}})

    with pytest.raises(SettingsError, match=f"^{name.upper()}: unknown queue chats$"):
        async with hall.working():
            raise AssertionError("it works")


async def test_a_worker_beside_a_test_that_nothing_may_change_is_seen(
    hall: Hall, assert_unchanged: Unchanged
) -> None:
    async with hall.working():
        with pytest.raises(AssertionError, match=r"Worker\._run"):
            async with assert_unchanged():
                raise NotImplementedError

    async with assert_unchanged():
        assert running_workers() == []


async def test_of_two_processes_one_does_the_upkeep(hall: Hall) -> None:
    turns = [await leases.claim_period(hall.database, "sweep", timedelta(hours=1)) for _ in range(3)]
    soon = [await leases.claim_period(hall.database, "tidy", timedelta(0)) for _ in range(2)]

    assert turns == [True, False, False]
    assert soon == [True, True]


async def test_sweeping_forgets_the_past_of_idle_queues_only(hall: Hall) -> None:
    await hall.add(Count(hall.trail, 1, 0))
    async with hall.database.platform() as uow:
        await uow.execute(
            text("INSERT INTO platform.fair_shares VALUES ('idle', :company, 7);"),
            {"company": hall.company_id},
        )
        old = "INSERT INTO platform.pgqueuer_log (created, job_id, status, priority, entrypoint) VALUES "
        await uow.execute(text(old + "(now() - interval '2 days', 1, 'successful', 0, 'idle')"))

    await leases.purge(hall.database)

    async with hall.database.platform() as uow:
        assert (await uow.all(text("SELECT queue FROM platform.fair_shares"))) == [("tests",)]
        assert (await uow.all(text("SELECT DISTINCT entrypoint FROM platform.pgqueuer_log"))) == [("tests",)]


async def test_jobs_see_their_own_company_only(hall: Hall) -> None:
    other = await a_company(hall.database)
    theirs = await hall.add(Count(hall.trail, 1, 0), other)
    mine = await hall.add(Fail(str(Path(hall.trail)), "at the end"))

    async with hall.working():
        await hall.ended(mine, "failed")
        await hall.until(lambda: hall.entries_gone())

    async with hall.database.tenant(other, read_only=True) as uow:
        rows = await uow.all(select(ProcessingJob.id, ProcessingJob.status, ProcessingJob.subject))
    assert [tuple(row) for row in rows] == [(theirs, JobStatus.COMPLETED, None)]
