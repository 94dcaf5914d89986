"""Messages between the planes of companies with databases of their own: delivered once, whatever happens."""

import asyncio
import signal
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import insert, select, text, update

from db import outbox
from db.database import Database
from db.events import Events
from db.ids import new_id
from db.models import (
    ActivityLog,
    Lease,
    LeaseState,
    Member,
    OutboxMessage,
    ProcessingJob,
    ProcessingJobType,
    RoleName,
    User,
)
from db.queue import cancel, claim, enqueue, leases
from db.queue.entries import Entry
from db.queue.messages import UNASSIGNED
from resolvers import activity_log
from resolvers.identity import users
from schema.framework.context import Services
from tests import factories
from tests.conftest import Postgres
from tests.db.relay_until_killed import STEPS
from tests.factories import Fixture, a_company, a_user
from tests.isolation.chaos import OF_ITS_OWN
from tests.jobs.sample_jobs import Process
from tests.onlooker import Onlooker

ENTRIES = "SELECT count(*) FROM platform.pgqueuer WHERE convert_from(payload, 'UTF8') LIKE '%' || $1 || '%'"
LISTENERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'seshat company listener'"


@pytest_asyncio.fixture
async def user(services: Services) -> Fixture:
    """Somebody in a company with a database of its own."""
    user = a_user(a_company(**OF_ITS_OWN))
    await factories.save(services.database, user)
    return user


@pytest.fixture
def database(services: Services) -> Database:
    return services.database


async def add_job(database: Database, company_id: UUID) -> UUID:
    async with database.tenant(company_id) as uow:
        row = insert(ProcessingJob).values(job_type=ProcessingJobType.UPKEEP).returning(ProcessingJob.id)
        id: UUID = await uow.scalar(row)
        await enqueue(uow, Process(), id)
    return id


async def read(database: Database, company_id: UUID, statement: Any) -> list[Any]:
    async with database.tenant(company_id, kind="platform", read_only=True) as uow:
        return list(await uow.all(statement))


async def lease_of(database: Database, company_id: UUID, id: UUID) -> Any:
    (lease,) = await read(database, company_id, select(Lease).where(Lease.id == id))
    return lease


async def entry_ids(onlooker: Onlooker, id: UUID) -> list[int]:
    rows = await onlooker.fetch(ENTRIES.replace("count(*)", "id") + " ORDER BY id", str(id))
    return [row["id"] for row in rows]


async def test_an_enqueued_job_has_one_entry_at_once(
    database: Database, onlooker: Onlooker, user: Fixture
) -> None:
    id = await add_job(database, user.company.id)

    (entry,) = await entry_ids(onlooker, id)
    assert (await lease_of(database, user.company.id, id)).entry_id == entry
    assert await read(database, user.company.id, select(OutboxMessage)) == []


async def test_what_could_not_be_delivered_is_delivered_later(
    database: Database, onlooker: Onlooker, user: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as outage:
        outage.setattr(outbox, "_relay", fail)
        id = await add_job(database, user.company.id)
    assert await entry_ids(onlooker, id) == []
    assert (await lease_of(database, user.company.id, id)).entry_id == UNASSIGNED

    await outbox.relay_all(database)

    (entry,) = await entry_ids(onlooker, id)
    assert (await lease_of(database, user.company.id, id)).entry_id == entry


@pytest.mark.parametrize("step", STEPS)
async def test_a_killed_delivery_is_finished_by_another(
    database: Database, onlooker: Onlooker, user: Fixture, postgres: Postgres, step: str
) -> None:
    company_id = user.company.id
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.db.relay_until_killed", postgres.application, str(company_id), step
    )
    assert await process.wait() == -signal.SIGKILL
    (job,) = await read(database, company_id, select(ProcessingJob))

    await outbox.relay_all(database)
    await outbox.relay_all(database)

    lease, entries = await lease_of(database, company_id, job.id), await entry_ids(onlooker, job.id)
    assert lease.entry_id in entries
    assert len(entries) == (2 if step == "target committed" else 1)
    assert await read(database, company_id, select(OutboxMessage)) == []
    entry, claims = Entry(job.id, company_id, "Process"), []
    for id in entries:
        claims.append(await claim(database, entry, id, "worker"))
    assert len([attempt for attempt in claims if attempt is not None]) == 1


async def test_an_entry_that_is_picked_before_its_lease_knows_it_is_run(
    database: Database, user: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wait(*_: object) -> int:
        return 0

    monkeypatch.setattr(outbox, "_relay", wait)
    company_id = user.company.id
    id = await add_job(database, company_id)

    attempt = await claim(database, Entry(id, company_id, "Process"), 4711, "worker")

    assert attempt is not None
    lease = await lease_of(database, company_id, id)
    assert (lease.entry_id, lease.state) == (4711, LeaseState.RUNNING)
    beat = await leases.heartbeat(database, "worker", {id: company_id, new_id(): company_id})
    assert beat.owned == {id}


async def test_a_cancelled_job_leaves_no_entry(database: Database, onlooker: Onlooker, user: Fixture) -> None:
    id = await add_job(database, user.company.id)
    async with database.tenant(user.company.id) as uow:
        await cancel(uow, ProcessingJob, id)

    assert await entry_ids(onlooker, id) == []
    assert await read(database, user.company.id, select(Lease)) == []


async def test_a_job_whose_entry_is_lost_is_queued_again(
    database: Database, onlooker: Onlooker, user: Fixture
) -> None:
    company_id = user.company.id
    id = await add_job(database, company_id)
    (first,) = await entry_ids(onlooker, id)
    await onlooker.execute("DELETE FROM platform.pgqueuer WHERE id = $1", first)
    async with database.tenant(company_id) as uow:
        await uow.execute(update(Lease).values(heartbeat_at=text("now() - interval '1 hour'")))

    assert await leases.requeue_lost_of(database, company_id, timedelta(seconds=10)) == 1

    (second,) = await entry_ids(onlooker, id)
    assert second != first
    assert (await lease_of(database, company_id, id)).entry_id == second
    assert await leases.requeue_lost_of(database, company_id, timedelta(seconds=10)) == 0


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_user_is_a_member_of_the_company_in_its_database(
    database: Database, user: Fixture, monkeypatch: pytest.MonkeyPatch, is_late: bool
) -> None:
    async def fail(*_: object) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as outage:
        if is_late:
            outage.setattr(outbox, "_relay", fail)
        async with database.tenant(user.company.id, kind="platform") as uow:
            address = f"{new_id()}@test.example"
            made = await users.insert_user(uow, email=address, role=RoleName.USER)
            await activity_log.record(uow, made.id, "USER_CREATE", "User", made.id)
    if is_late:
        assert await read(database, user.company.id, select(Member.id).where(Member.id == made.id)) == []
        await outbox.relay_all(database)

    members = await read(database, user.company.id, select(Member.id))
    activity = await read(database, user.company.id, select(ActivityLog.user_id, ActivityLog.action))
    assert {row.id for row in members} == {user.id, made.id}
    assert [tuple(row) for row in activity] == [(made.id, "USER_CREATE")]
    async with database.platform(read_only=True) as uow:
        assert await uow.all(select(OutboxMessage)) == []


async def test_a_transaction_that_fails_writes_neither_plane(database: Database, user: Fixture) -> None:
    address = f"{new_id()}@test.example"

    async def fail() -> None:
        async with database.tenant(user.company.id, kind="platform") as uow:
            await users.insert_user(uow, email=address, role=RoleName.USER)
            raise KeyError("a bug")

    with pytest.raises(KeyError):
        await fail()
    assert len(await read(database, user.company.id, select(Member.id))) == 1
    assert await read(database, user.company.id, select(User.id).where(User.email == address)) == []


async def test_events_are_heard_where_the_company_is_while_somebody_listens(
    services: Services, onlooker: Onlooker, user: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.company_listeners.LINGER_SECONDS", 0.05)
    company_id, heard = user.company.id, asyncio.Event()
    events = Events(services.events.listener, services.database.placement)
    async with events:
        assert await onlooker.fetchval(LISTENERS) == 0
        unsubscribe = events.subscribe(f"company:{company_id}", heard.set, company_id)
        await asyncio.wait_for(heard.wait(), 10)
        heard.clear()
        assert await onlooker.fetchval(LISTENERS) == 1
        async with services.database.tenant(company_id) as uow:
            await activity_log.record(uow, user.id, "PROJECT_CREATE", "Project", new_id())
        await asyncio.wait_for(heard.wait(), 10)
        unsubscribe()
        async with asyncio.timeout(10):
            while await onlooker.fetchval(LISTENERS):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
