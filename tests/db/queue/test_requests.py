"""Asking for jobs: what commits, what rolls back, who is told."""

import asyncio
from contextlib import aclosing

import pytest
from pgqueuer.queries import Queries
from sqlalchemy import insert, text

from core.errors import Conflict, Forbidden, NotFound
from db.events import Events, publish
from db.listener import Listener
from db.models import JobStatus, ProcessingJob, ProcessingJobType
from db.queue import NotPending, enqueue, prepare
from db.queue.driver import EngineDriver, SlotQueries
from db.queue.entries import UnitDriver, builders
from resolvers import jobs
from tests.db.queue.conftest import Hall, a_company, a_viewer
from tests.db.queue.sample_tasks import Count, Fail


async def test_a_rollback_leaves_nothing(hall: Hall) -> None:
    async with hall.rolled_back() as uow:
        made = insert(ProcessingJob).values(job_type=ProcessingJobType.UPKEEP)
        id = await uow.scalar(made.returning(ProcessingJob.id))
        await enqueue(uow, Count(hall.trail, 1, 0), id)

    assert await hall.entries() == []
    assert await hall.lease(id) is None


async def test_an_entry_put_by_a_first_statement_is_rolled_back(hall: Hall) -> None:
    async with hall.rolled_back() as uow:
        queries = Queries(UnitDriver(uow), **builders())
        await queries.enqueue("tests", b"")

    assert await hall.entries() == []


async def test_an_entry_and_its_lease_are_committed_together(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))

    lease = await hall.lease(id)

    assert lease is not None
    assert (lease.task, lease.queue, lease.company_id) == ("Count", "tests", hall.company_id)
    assert await hall.entries() == ["queued"]


async def test_only_what_is_pending_is_queued(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))
    await hall.cancel(id)

    with pytest.raises(NotPending):
        async with hall.database.tenant(hall.company_id) as uow:
            await enqueue(uow, Count(hall.trail, 1, 0), id)

    assert await hall.entries() == []


async def test_what_waits_is_cancelled_at_once(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))

    row = await hall.cancel(id)

    assert row.status is JobStatus.CANCELLED
    assert row.error_message is None
    assert await hall.entries() == []
    assert await hall.lease(id) is None
    assert hall.lines() == ["ended cancelled The job was cancelled."]


async def test_cancelling_again_changes_nothing(hall: Hall) -> None:
    id = await hall.add(Count(hall.trail, 1, 0))
    first = await hall.cancel(id)

    second = await hall.cancel(id)

    assert second == first
    assert hall.lines() == ["ended cancelled The job was cancelled."]


async def test_people_start_cancel_and_retry(hall: Hall) -> None:
    viewer = await a_viewer(hall.database, hall.company_id, "jobs:run")
    async with hall.database.tenant(hall.company_id) as uow:
        made = insert(ProcessingJob).values(job_type=ProcessingJobType.UPKEEP)
        id = await uow.scalar(made.returning(ProcessingJob.id))
        await prepare(uow, Count(hall.trail, 1, 0), id)
    seen = []
    for act in (jobs.start, jobs.start, jobs.cancel, jobs.cancel, jobs.retry):
        async with hall.database.tenant(hall.company_id, viewer.user_id) as uow:
            seen.append((await act(uow, viewer, ProcessingJob, id)).status.value)

    assert seen == ["pending", "pending", "cancelled", "cancelled", "pending"]
    assert await hall.entries() == ["queued"]
    async with hall.working():
        row = await hall.ended(id, "completed")
    assert (row.attempts, row.progress, row.job_metadata) == (1, 100, {"counted": 1})


async def test_retrying_keeps_the_checkpoint_and_resets_the_counters(hall: Hall) -> None:
    viewer = await a_viewer(hall.database, hall.company_id, "jobs:run")
    id = await hall.add(Count(hall.trail, 1000, 0.02))
    async with hall.working():
        await hall.until(lambda: hall.row(id))
        await hall.until(lambda: hall.lines("begun"))
        await asyncio.sleep(0.2)
        await hall.cancel(id)
        cancelled = await hall.ended(id, "cancelled")
        async with hall.database.tenant(hall.company_id) as uow:
            again = await jobs.retry(uow, viewer, ProcessingJob, id)
        await hall.until(lambda: len(hall.lines("begun")) == 2)
        await hall.cancel(id)
        await hall.ended(id, "cancelled")

    assert (again.attempts, again.progress, again.started_at, again.completed_at) == (0, 0, None, None)
    assert cancelled.epoch == 1
    assert (await hall.row(id)).epoch == 2
    assert hall.lines("begun")[1].split()[1:3] == ["1", str(cancelled.checkpoint["at"])]


async def test_refusals_change_nothing(hall: Hall) -> None:
    viewer = await a_viewer(hall.database, hall.company_id, "jobs:run")
    visitor = await a_viewer(hall.database, hall.company_id)
    stranger = await a_viewer(hall.database, await a_company(hall.database), "jobs:run")
    waiting = await hall.add(Count(hall.trail, 1, 0))
    before = await hall.row(waiting)
    refusals = [
        (jobs.retry, viewer, Conflict, ("id",)),
        (jobs.start, visitor, Forbidden, ()),
        (jobs.cancel, visitor, Forbidden, ()),
        (jobs.retry, visitor, Forbidden, ()),
        (jobs.start, stranger, NotFound, ("id",)),
        (jobs.cancel, stranger, NotFound, ("id",)),
        (jobs.retry, stranger, NotFound, ("id",)),
    ]

    for act, who, refusal, path in refusals:
        with pytest.raises(refusal) as refused:
            async with hall.database.tenant(who.company_id, who.user_id) as uow:
                await act(uow, who, ProcessingJob, waiting)
        assert refused.value.path == path

    assert await hall.row(waiting) == before
    assert await hall.entries() == ["queued"]


async def test_what_has_ended_or_was_never_begun_is_not_started(hall: Hall) -> None:
    viewer = await a_viewer(hall.database, hall.company_id, "jobs:run")
    async with hall.database.tenant(hall.company_id) as uow:
        made = insert(ProcessingJob).values(job_type=ProcessingJobType.UPKEEP)
        later = await uow.scalar(made.returning(ProcessingJob.id))
        over = await uow.scalar(made.values(status=JobStatus.COMPLETED).returning(ProcessingJob.id))

    for id, message in (
        (later, "This job starts automatically when the previous stage has finished."),
        (over, "This job has ended."),
    ):
        with pytest.raises(Conflict, match=message):
            async with hall.database.tenant(hall.company_id) as uow:
                await jobs.start(uow, viewer, ProcessingJob, id)

    assert await hall.entries() == []


async def test_watchers_hear_at_once_at_commit_and_not_of_rollbacks(hall: Hall) -> None:
    async with hall.watching("counting") as changes:
        async with hall.rolled_back() as uow:
            await publish(uow, "counting")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(changes), 0.3)
    async with hall.watching("counting") as changes:
        for _ in range(3):
            async with hall.database.tenant(hall.company_id) as uow:
                await publish(uow, "counting", "something else")
        await asyncio.sleep(0.2)
        await anext(changes)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(changes), 0.3)


async def test_watchers_look_again_when_listening_was_interrupted(hall: Hall) -> None:
    listener = Listener(hall.database.placement.listen_url, application="doomed")
    async with listener, Events(listener) as events, aclosing(events.listen("counting")) as changes:
        await anext(changes)
        async with hall.database.platform() as uow:
            killed = text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'doomed'"
            )
            assert await uow.scalar(killed) is True
            await publish(uow, "counting")
        await asyncio.wait_for(anext(changes), 10)
        async with hall.database.platform() as uow:
            await publish(uow, "counting")
        await asyncio.wait_for(anext(changes), 10)


async def test_a_job_tells_everybody_who_watches(hall: Hall) -> None:
    seen = []
    id = await hall.add(Count(hall.trail, 5, 0.1))
    async with hall.working(), hall.watching("counting") as changes:
        async for _ in changes:
            row = await hall.row(id)
            seen.append((row.version, row.progress, row.status.value))
            if row.completed_at:
                break

    assert seen == sorted(seen)
    assert seen[-1][1:] == (100, "completed")
    assert {status for _, _, status in seen} >= {"running", "completed"}
    assert any(0 < progress < 100 for _, progress, _ in seen)


async def test_two_jobs_of_one_name_are_refused() -> None:
    with pytest.raises(TypeError, match="duplicate job name Fail"):
        type("Fail", (Fail,), {"__module__": "elsewhere"})


async def test_the_tables_are_what_pgqueuer_expects(hall: Hall) -> None:
    async with Listener(hall.database.placement.listen_url) as listener:
        driver = EngineDriver(hall.database.placement.primary, listener, silence=1)
        queries = SlotQueries(driver, **builders())

        plan = await queries.plan_upgrade()

    received, *others = plan.statements
    assert received.startswith("CREATE OR REPLACE FUNCTION platform.fn_pgqueuer_changed()")  # ours is shorter
    assert others == []
