"""Attempts without a worker: what each step writes, and what it refuses."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import insert, select, text, update

from core.errors import Conflict
from db.ids import new_id
from db.models import CrawlChunk, CrawlJob, JobStatus, Lease, LeaseState, ProcessingJob, ProcessingJobType
from db.queue import enqueue, fenced_attempts, leases, requests
from db.queue.entries import Entry
from db.queue.faults import Fault
from db.queue.fenced_attempts import (
    Attempt,
    CancellationRequested,
    FanOut,
    HeldElsewhere,
    LostLease,
    claim,
)
from db.queue.jobs import UnknownTask
from db.queue.requests import NotPending, is_queued, lock_parts, prepare, restart, resume
from db.uow import UnitOfWork
from tests.db.queue.conftest import Hall
from tests.db.queue.sample_tasks import Count, Faulty, TracedJob

HOUR = timedelta(hours=1)
AWAY = Fault("The store is away.", after=30)
BROKEN = Fault("The computation died.", is_transient=False)


@dataclass(frozen=True)
class Patient(TracedJob):
    """May fail twice for a reason of its own, and waits for an hour."""

    max_attempts: ClassVar[int] = 2
    retry_deadline: ClassVar[timedelta] = HOUR


@pytest.fixture(autouse=True)
def without_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 1.0)


async def entry_of(hall: Hall, id: UUID) -> tuple[Entry, int]:
    lease = await hall.lease(id)
    return Entry(id, hall.company_id, lease.task), lease.entry_id


async def try_claim(hall: Hall, id: UUID, worker: str = "one", stale: timedelta = HOUR) -> Attempt | None:
    return await claim(hall.database, *await entry_of(hall, id), worker, stale)


async def begin(hall: Hall, id: UUID, worker: str = "one", stale: timedelta = HOUR) -> Attempt:
    attempt = await try_claim(hall, id, worker, stale)
    assert attempt is not None
    return attempt


async def alter(hall: Hall, model: Any, id: UUID, **values: Any) -> None:
    if values:
        async with hall.database.tenant(hall.company_id) as uow:
            await uow.execute(update(model).where(model.id == id).values(**values))


async def ask_to_cancel(hall: Hall, id: UUID) -> None:
    assert (await hall.cancel(id)).status is JobStatus.RUNNING
    assert (await hall.lease(id)).state is LeaseState.CANCELLING


@pytest_asyncio.fixture
async def job_id(hall: Hall) -> UUID:
    """A job that is queued."""
    return await hall.add(Patient(hall.trail))


@pytest_asyncio.fixture
async def attempt(hall: Hall, job_id: UUID) -> AsyncIterator[Attempt]:
    """Its first attempt."""
    yield await begin(hall, job_id)


async def test_a_claim_starts_the_next_attempt(hall: Hall, job_id: UUID) -> None:
    await alter(
        hall, ProcessingJob, job_id, attempts=3, epoch=7, waiting_for="It was away.", checkpoint={"at": 4}
    )
    before = await hall.row(job_id)
    attempt = await begin(hall, job_id)
    row, lease = await hall.row(job_id), await hall.lease(job_id)

    assert (attempt.id, attempt.company_id, attempt.job) == (job_id, hall.company_id, Patient(hall.trail))
    assert (attempt.epoch, attempt.number, attempt.failures) == (8, 4, 0)
    assert (attempt.checkpoint, attempt.had_setbacks, attempt.is_last) == ({"at": 4}, False, False)
    assert (row.status, row.attempts, row.epoch) == (JobStatus.RUNNING, 4, 8)
    assert (row.waiting_for, row.next_attempt_at, row.version) == (None, None, before.version + 1)
    assert row.started_at is not None
    assert (lease.state, lease.worker, lease.deaths) == (LeaseState.RUNNING, "one", 0)
    again = await begin(hall, job_id)  # by the same worker
    assert (again.epoch, again.number, again.had_setbacks) == (9, 5, False)
    assert (await hall.row(job_id)).started_at == row.started_at
    assert (await hall.lease(job_id)).deaths == 0


async def test_another_entry_claims_nothing(hall: Hall, job_id: UUID) -> None:
    entry, entry_id = await entry_of(hall, job_id)

    assert await claim(hall.database, entry, entry_id + 1, "one") is None
    assert await claim(hall.database, Entry(new_id(), hall.company_id, "Patient"), entry_id, "one") is None
    assert (await hall.row(job_id)).status is JobStatus.PENDING
    with pytest.raises(UnknownTask, match=r"^Unknown task Nothing\.$"):
        await claim(hall.database, Entry(job_id, hall.company_id, "Nothing"), entry_id, "one")


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
async def test_a_job_that_has_ended_is_let_go(hall: Hall, job_id: UUID, status: JobStatus) -> None:
    await alter(hall, ProcessingJob, job_id, status=status, error_message="It broke.")

    assert await try_claim(hall, job_id) is None
    assert await hall.lease(job_id) is None
    assert (await hall.row(job_id)).status is status


async def test_a_job_without_a_row_is_let_go(hall: Hall, job_id: UUID) -> None:
    async with hall.database.tenant(hall.company_id) as uow:
        await uow.execute(text("DELETE FROM tenant.processing_jobs WHERE id = :id"), {"id": job_id})

    assert await try_claim(hall, job_id) is None
    assert await hall.lease(job_id) is None


async def test_a_job_of_a_living_worker_is_not_taken_over(hall: Hall, job_id: UUID, attempt: Attempt) -> None:
    with pytest.raises(HeldElsewhere):
        await begin(hall, job_id, "two")
    await ask_to_cancel(hall, job_id)
    with pytest.raises(HeldElsewhere):
        await begin(hall, job_id, "two")
    assert (await hall.row(job_id)).epoch == 1


async def test_a_job_of_a_dead_worker_is_taken_over_and_the_death_counted(
    hall: Hall, job_id: UUID, attempt: Attempt
) -> None:
    second = await begin(hall, job_id, "two", timedelta(0))

    assert (second.epoch, second.number, second.failures, second.had_setbacks) == (2, 2, 0, True)
    assert ((await hall.lease(job_id)).worker, (await hall.lease(job_id)).deaths) == ("two", 1)
    for write in (attempt.fail("late"), attempt.complete(None), attempt.postpone(AWAY), attempt.settle()):
        with pytest.raises(LostLease):
            await write
    await second.complete(None)
    assert (await hall.row(job_id)).status is JobStatus.COMPLETED


async def test_a_cancelled_job_of_a_dead_worker_ends(hall: Hall, job_id: UUID, attempt: Attempt) -> None:
    await ask_to_cancel(hall, job_id)

    assert await try_claim(hall, job_id, "two", timedelta(0)) is None
    assert ((await hall.row(job_id)).status, await hall.lease(job_id)) == (JobStatus.CANCELLED, None)
    assert hall.lines() == ["ended cancelled The job was cancelled."]


@pytest.mark.parametrize(("deaths", "fails"), [(30, False), (31, True)])
async def test_a_job_that_kills_its_workers_fails(
    hall: Hall, job_id: UUID, attempt: Attempt, deaths: int, fails: bool
) -> None:
    assert fenced_attempts.MAX_WORKER_DEATHS == 32
    await alter(hall, Lease, job_id, deaths=deaths)
    following = await try_claim(hall, job_id, "two", timedelta(0))

    row = await hall.row(job_id)
    if fails:
        message = "The worker stopped unexpectedly in each of 32 attempts."
        assert (following, row.status, row.error_message) == (None, JobStatus.FAILED, message)
        assert await hall.lease(job_id) is None
        assert hall.lines() == [f"ended failed {message}"]
    else:
        assert (following is None, row.status) == (False, JobStatus.RUNNING)
        assert (await hall.lease(job_id)).deaths == deaths + 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "Gone"}, "Unknown task Gone."),
        ({"arguments": {}}, "Invalid arguments for the task Patient."),
    ],
)
async def test_a_job_of_another_release_fails(hall: Hall, job_id: UUID, changes: Any, message: str) -> None:
    await alter(hall, ProcessingJob, job_id, **changes)

    assert await try_claim(hall, job_id) is None
    row = await hall.row(job_id)
    assert (row.status, row.error_message, await hall.lease(job_id)) == (JobStatus.FAILED, message, None)


@pytest.mark.parametrize(
    ("values", "had_setbacks", "failures"),
    [({}, False, 0), ({"faults": 1}, True, 0), ({"deaths": 1}, True, 0), ({"failures": 1}, False, 1)],
)
async def test_an_attempt_knows_what_has_gone_before(
    hall: Hall, job_id: UUID, values: Any, had_setbacks: bool, failures: int
) -> None:
    await alter(hall, Lease, job_id, **values)
    attempt = await begin(hall, job_id)

    assert (attempt.had_setbacks, attempt.failures) == (had_setbacks, failures)
    assert attempt.is_last_failure is (failures == 1)


@pytest.mark.parametrize(("minutes", "is_last"), [(59, False), (61, True)])
async def test_the_attempt_after_the_deadline_is_the_last(
    hall: Hall, job_id: UUID, minutes: int, is_last: bool
) -> None:
    since = text(f"now() - interval '{minutes} minutes'")
    await alter(hall, Lease, job_id, waiting_since=since)

    assert (await begin(hall, job_id)).is_last is is_last


async def test_completion_writes_all_at_once(hall: Hall, job_id: UUID, attempt: Attempt) -> None:
    await alter(hall, ProcessingJob, job_id, error_message="earlier")

    async def finish(uow: UnitOfWork) -> None:
        await uow.execute(update(ProcessingJob).where(ProcessingJob.id == job_id).values(subject="done"))

    before = await hall.row(job_id)
    await attempt.complete(finish)
    row = await hall.row(job_id)
    assert (row.status, row.progress, row.error_message, row.subject) == (
        JobStatus.COMPLETED,
        100,
        None,
        "done",
    )
    assert (row.completed_at is None, row.version) == (False, before.version + 1)
    assert await hall.lease(job_id) is None
    assert hall.lines() == []


async def test_a_completion_that_fails_changes_nothing(hall: Hall, job_id: UUID, attempt: Attempt) -> None:
    before, held = await hall.row(job_id), await hall.lease(job_id)

    async def refuse(uow: UnitOfWork) -> None:
        raise Conflict("Somebody was faster.")

    with pytest.raises(Conflict):
        await attempt.complete(refuse)
    assert (await hall.row(job_id), await hall.lease(job_id)) == (before, held)


async def test_a_job_that_is_to_be_cancelled_does_not_complete(
    hall: Hall, job_id: UUID, attempt: Attempt
) -> None:
    await ask_to_cancel(hall, job_id)

    async def parts(uow: UnitOfWork) -> None:
        raise AssertionError

    for write in (attempt.complete(None), attempt.fan_out(FanOut(parts)), attempt.postpone(AWAY)):
        with pytest.raises(CancellationRequested):
            await write
        assert (await hall.row(job_id)).status is JobStatus.RUNNING
        assert (await hall.lease(job_id)).state is LeaseState.CANCELLING
    await attempt.fail("It broke.")
    row = await hall.row(job_id)
    assert (row.status, row.error_message, await hall.lease(job_id)) == (JobStatus.CANCELLED, None, None)


async def test_a_failure_says_why(hall: Hall, job_id: UUID, attempt: Attempt) -> None:
    await attempt.fail("It broke.")

    row = await hall.row(job_id)
    assert (row.status, row.error_message) == (JobStatus.FAILED, "It broke.")
    assert (row.completed_at is None, row.waiting_for, await hall.lease(job_id)) == (False, None, None)
    assert hall.lines() == ["ended failed It broke."]


async def test_a_fan_out_leaves_the_job_running_without_a_lease(
    hall: Hall, job_id: UUID, attempt: Attempt
) -> None:
    called: list[UUID] = []

    async def parts(uow: UnitOfWork) -> None:
        called.append(uow.company_id)

    before = await hall.row(job_id)
    await attempt.fan_out(FanOut(parts))
    row = await hall.row(job_id)
    assert (row.status, row.version, called) == (JobStatus.RUNNING, before.version + 1, [hall.company_id])
    assert await hall.lease(job_id) is None
    with pytest.raises(LostLease):
        await attempt.complete(None)
    async with hall.database.tenant(hall.company_id) as uow:
        await resume(uow, ProcessingJob, job_id)
    resumed, lease = await hall.row(job_id), await hall.lease(job_id)
    assert (resumed.attempts, resumed.version, lease.state) == (0, row.version + 1, LeaseState.QUEUED)


@pytest.mark.parametrize(
    ("fault", "earlier", "counted", "seconds"),
    [
        (AWAY, {}, (1, 0), 30),
        (Fault("Away."), {"faults": 2, "failures": 1}, (3, 1), 4),
        (BROKEN, {"faults": 5}, (5, 1), 1),
        (BROKEN, {"failures": 1}, (0, 2), 2),
    ],
)
async def test_a_job_waits_for_what_passes(
    hall: Hall, job_id: UUID, attempt: Attempt, fault: Fault, earlier: Any, counted: Any, seconds: int
) -> None:
    await alter(hall, Lease, job_id, **earlier)
    before = await hall.row(job_id)

    assert await attempt.postpone(fault) == timedelta(seconds=seconds)
    row, lease = await hall.row(job_id), await hall.lease(job_id)
    assert (row.status, row.waiting_for, row.version) == (JobStatus.PENDING, fault.reason, before.version + 1)
    assert (row.attempts, row.epoch, row.completed_at) == (1, 1, None)
    assert timedelta(seconds=seconds) - timedelta(seconds=5) < row.next_attempt_at - lease.heartbeat_at
    assert row.next_attempt_at - lease.heartbeat_at <= timedelta(seconds=seconds)
    assert (lease.state, lease.worker, lease.faults, lease.failures) == (LeaseState.QUEUED, None, *counted)
    assert (lease.waiting_since is None) is (not fault.is_transient)


async def test_waiting_counts_from_the_first_fault(hall: Hall, job_id: UUID, attempt: Attempt) -> None:
    await alter(hall, Lease, job_id, waiting_since=text("now() - interval '3570 seconds'"))
    since = (await hall.lease(job_id)).waiting_since

    delay = await attempt.postpone(AWAY)

    assert timedelta(seconds=20) < delay <= timedelta(seconds=30)  # what is left of the hour
    assert (await hall.lease(job_id)).waiting_since == since


async def test_progress_restarts_the_deadline(hall: Hall, job_id: UUID) -> None:
    values = {"faults": 3, "deaths": 2, "failures": 1, "waiting_since": text("now() - interval '2 hours'")}
    await alter(hall, Lease, job_id, **values)
    attempt = await begin(hall, job_id)
    assert (attempt.had_setbacks, attempt.is_last) == (True, True)

    async with attempt.write() as uow:
        await attempt.mark_progress(uow)

    lease = await hall.lease(job_id)
    assert (lease.faults, lease.deaths, lease.failures, lease.waiting_since) == (0, 0, 1, None)
    assert (attempt.had_setbacks, attempt.is_last) == (False, False)
    await alter(hall, Lease, job_id, faults=1)
    async with attempt.write() as uow:
        await attempt.mark_progress(uow)  # nothing to forget: nothing is written
    assert (await hall.lease(job_id)).faults == 1


async def test_an_interrupted_job_is_queued_again_and_loses_no_attempt(
    hall: Hall, job_id: UUID, attempt: Attempt
) -> None:
    before = await hall.row(job_id)

    assert await attempt.settle() is True
    row, lease = await hall.row(job_id), await hall.lease(job_id)
    assert (row.status, row.attempts, row.version) == (JobStatus.PENDING, 0, before.version + 1)
    assert (lease.state, lease.worker, lease.faults, lease.failures) == (LeaseState.QUEUED, None, 0, 0)
    assert lease.waiting_since is None


async def test_an_interrupted_job_that_is_to_be_cancelled_ends(
    hall: Hall, job_id: UUID, attempt: Attempt
) -> None:
    await ask_to_cancel(hall, job_id)

    assert await attempt.settle() is False
    assert ((await hall.row(job_id)).status, await hall.lease(job_id)) == (JobStatus.CANCELLED, None)


async def test_only_the_owner_of_a_running_job_writes(hall: Hall, job_id: UUID, attempt: Attempt) -> None:
    async with attempt.write() as uow:
        await attempt.update(uow, progress=40, subject="half")
    row = await hall.row(job_id)
    assert (row.progress, row.subject) == (40, "half")

    for changes in ({"epoch": 2}, {"status": JobStatus.PENDING}):
        await alter(hall, ProcessingJob, job_id, **changes)
        with pytest.raises(LostLease):
            async with attempt.write():
                raise AssertionError
        await alter(hall, ProcessingJob, job_id, epoch=1, status=JobStatus.RUNNING)
    await hall.delete_leases()
    with pytest.raises(LostLease):
        await attempt.complete(None)
    assert (await hall.row(job_id)).status is JobStatus.RUNNING


async def test_a_job_is_prepared_and_queued_once(hall: Hall) -> None:
    job = Patient(hall.trail)
    async with hall.database.tenant(hall.company_id) as uow:
        made = insert(ProcessingJob).values(job_type=ProcessingJobType.UPKEEP).returning(ProcessingJob.id)
        id, other = await uow.scalar(made), await uow.scalar(made)
        await prepare(uow, job, id)
        assert await is_queued(uow, id) is False
        await enqueue(uow, job, other)
        assert await is_queued(uow, other) is True
    row, lease = await hall.row(id), await hall.lease(other)

    assert (row.task, row.arguments, row.max_attempts) == ("Patient", {"trail": hall.trail}, 2)
    assert await hall.lease(id) is None
    assert (lease.task, lease.queue, lease.state) == ("Patient", "tests", LeaseState.QUEUED)
    assert len(await hall.entries()) == 1
    for wrong in (new_id(), id):
        await alter(hall, ProcessingJob, id, status=JobStatus.RUNNING)
        with pytest.raises(NotPending, match=f"^processing_jobs {wrong}$"):
            async with hall.database.tenant(hall.company_id) as uow:
                await prepare(uow, job, wrong)


async def test_a_cancelled_job_leaves_no_entry(hall: Hall, job_id: UUID) -> None:
    await alter(hall, ProcessingJob, job_id, waiting_for="Away.", next_attempt_at=text("now()"))
    before = await hall.row(job_id)
    row = await hall.cancel(job_id)

    assert (row.status, row.error_message, row.version) == (JobStatus.CANCELLED, None, before.version + 1)
    assert (row.waiting_for, row.next_attempt_at, row.completed_at is None) == (None, None, False)
    assert (await hall.lease(job_id), await hall.entries()) == (None, [])


async def test_a_running_job_is_notified_of_its_cancellation(
    hall: Hall, job_id: UUID, attempt: Attempt
) -> None:
    await ask_to_cancel(hall, job_id)
    await ask_to_cancel(hall, job_id)
    assert len(await hall.entries()) == 1
    assert hall.lines() == []


async def test_a_running_job_without_a_lease_is_cancelled_at_once(
    hall: Hall, job_id: UUID, attempt: Attempt
) -> None:
    await hall.delete_leases()

    assert (await hall.cancel(job_id)).status is JobStatus.CANCELLED


async def test_a_job_ends_although_its_end_hook_does_not(hall: Hall) -> None:
    id = await hall.add(Faulty(hall.trail))

    row = await hall.cancel(id)

    assert (row.status, (await hall.row(id)).subject) == (JobStatus.CANCELLED, None)


async def test_an_end_hook_that_meets_an_outage_ends_nothing(
    hall: Hall, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended(self: Patient, uow: UnitOfWork, status: JobStatus, reason: str) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(Patient, "ended", ended)
    with pytest.raises(ConnectionResetError):
        await hall.cancel(job_id)
    assert (await hall.row(job_id)).status is JobStatus.PENDING


async def test_a_restarted_job_starts_from_its_checkpoint(hall: Hall, job_id: UUID, attempt: Attempt) -> None:
    async with attempt.write() as uow:
        await attempt.update(uow, progress=40, checkpoint={"at": 4})
    await attempt.fail("It broke.")
    before = await hall.row(job_id)
    async with hall.database.tenant(hall.company_id) as uow:
        await restart(uow, ProcessingJob, job_id)
    row, lease = await hall.row(job_id), await hall.lease(job_id)

    assert (row.status, row.progress, row.attempts, row.checkpoint) == (JobStatus.PENDING, 0, 0, {"at": 4})
    assert (row.started_at, row.completed_at, row.error_message, row.epoch) == (None, None, None, 1)
    assert (row.version, lease.state, lease.failures) == (before.version + 1, LeaseState.QUEUED, 0)
    await alter(hall, ProcessingJob, job_id, task="Gone", status=JobStatus.CANCELLED)
    async with hall.rolled_back() as uow:
        with pytest.raises(UnknownTask):
            await restart(uow, ProcessingJob, job_id)


async def test_a_heartbeat_renews_what_the_worker_owns(hall: Hall) -> None:
    ids = [await hall.add(Patient(hall.trail)) for _ in range(4)]
    for id, worker in zip(ids, ("one", "one", "two", "one"), strict=True):
        await begin(hall, id, worker)
    await ask_to_cancel(hall, ids[1])
    for id in ids:
        await alter(hall, Lease, id, heartbeat_at=text("now() - interval '1 hour'"))

    found = await leases.heartbeat(hall.database, "one", dict.fromkeys(ids[:3], hall.company_id))

    assert (found.owned, found.cancelling) == (frozenset(ids[:2]), frozenset(ids[1:2]))
    async with hall.database.tenant(hall.company_id) as uow:
        recent = select(Lease.id).where(Lease.heartbeat_at > text("now() - interval '1 minute'"))
        assert {row.id for row in await uow.all(recent)} == set(ids[:2])


async def test_a_job_whose_entry_is_gone_is_queued_again_once_it_is_stale(hall: Hall) -> None:
    lost, fresh, kept = [await hall.add(Count(hall.trail, 1, 0)) for _ in range(3)]
    async with hall.database.platform() as uow:
        for id in (lost, fresh):
            entry = (await hall.lease(id)).entry_id
            await uow.execute(text("DELETE FROM platform.pgqueuer WHERE id = :id"), {"id": entry})
    for id in (lost, kept):
        await alter(hall, Lease, id, heartbeat_at=text("now() - interval '61 seconds'"))
    before = {id: (await hall.lease(id)).entry_id for id in (lost, fresh, kept)}

    assert await hall.requeue_lost(timedelta(seconds=60)) == 1
    after = {id: (await hall.lease(id)).entry_id for id in (lost, fresh, kept)}
    assert [id for id in before if before[id] != after[id]] == [lost]
    assert len(await hall.entries()) == 2
    assert await hall.requeue_lost(timedelta(seconds=60)) == 0


async def test_a_period_is_claimed_once(hall: Hall) -> None:
    for name in ("one", "other"):
        assert await leases.claim_period(hall.database, name, HOUR) is True
        assert await leases.claim_period(hall.database, name, HOUR) is False
    async with hall.database.platform() as uow:
        past = "UPDATE platform.pgqueuer_schedules SET next_run = now() - interval '1 second'"
        await uow.execute(text(f"{past} WHERE entrypoint = 'one'"))
    assert await leases.claim_period(hall.database, "one", HOUR) is True
    assert await leases.claim_period(hall.database, "other", HOUR) is False


async def test_what_is_old_is_purged(hall: Hall) -> None:
    log = "INSERT INTO platform.pgqueuer_log (created, job_id, status, priority, entrypoint) VALUES "
    async with hall.database.platform() as uow:
        for age in ("23 hours", "25 hours"):
            await uow.execute(text(f"{log} (now() - interval '{age}', 1, 'successful', 0, 'tests')"))
        share = "INSERT INTO platform.fair_shares (queue, company_id, virtual_time) VALUES (:queue, :id, 1)"
        await uow.execute(text(share), {"queue": "empty", "id": hall.company_id})
    await hall.add(Count(hall.trail, 1, 0))

    await leases.purge(hall.database)

    async with hall.database.platform() as uow:
        assert (
            await uow.scalar(text("SELECT count(*) FROM platform.pgqueuer_log")) == 2
        )  # and the new entry's
        assert await uow.scalar(text("SELECT string_agg(queue, ',') FROM platform.fair_shares")) == "tests"


async def test_only_crawls_have_parts_to_lock(hall: Hall, job_id: UUID) -> None:
    assert {CrawlJob: (CrawlChunk.crawl_job_id, CrawlChunk)} == requests.PARTS
    statements: list[str] = []

    class Unit:
        async def all(self, statement: Any) -> list[int]:
            statements.append(str(statement))
            return [1, 2] if len(statements) > 1 else [1]

    unit: Any = Unit()
    await lock_parts(unit, ProcessingJob, job_id)
    assert statements == []
    await lock_parts(unit, CrawlJob, job_id)
    assert len(statements) == 3  # until no further part is found
    assert all(statement.endswith("ORDER BY tenant.crawl_chunks.id FOR UPDATE") for statement in statements)
    assert all("crawl_job_id = " in statement for statement in statements)
    assert all("status NOT IN" in statement for statement in statements)
