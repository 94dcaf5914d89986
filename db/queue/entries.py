"""pgqueuer's queue entries, written in the caller's transaction. Only this module adds or cancels entries.

An entry points to a job; the job's row decides whether there is work to do.
"""

import asyncio
import json
from dataclasses import asdict, dataclass
from typing import Any, Self
from uuid import UUID

from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.core.tm import TaskManager
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import JobId
from pgqueuer.ports.driver import Driver, NotifyCallback
from pgqueuer.queries import Queries
from sqlalchemy import text

from db.base import PLATFORM
from db.uow import UnitOfWork

QUEUE_SETTINGS = DBSettings(db_schema=PLATFORM)

ADVANCE_FAIR_SHARE = text(
    f"""
    INSERT INTO {PLATFORM}.fair_shares AS share (queue, company_id, virtual_time)
    SELECT job.queue, job.company_id, coalesce(
        (SELECT -max(priority) FROM {PLATFORM}.pgqueuer WHERE entrypoint = job.queue AND status = 'queued'),
        (SELECT max(virtual_time) FROM {PLATFORM}.fair_shares WHERE queue = job.queue),
        0)
    FROM (SELECT CAST(:queue AS text) AS queue, CAST(:company_id AS uuid) AS company_id) AS job
    ON CONFLICT (queue, company_id)
    DO UPDATE SET virtual_time = greatest(share.virtual_time + 1, excluded.virtual_time)
    RETURNING virtual_time
    """
)
"""Start-time fair queuing: a company's next job follows its last job, but not the queue's virtual time.

The virtual time is that of the first waiting entry, or of the latest entry if none waits.
"""


@dataclass(frozen=True)
class Entry:
    """Payload of a queue entry: the job, its company and its task."""

    job_id: UUID
    company_id: UUID
    task: str

    def pack(self) -> bytes:
        """Serializes the entry."""
        return json.dumps(asdict(self), default=str).encode()

    @classmethod
    def unpack(cls, payload: bytes | None) -> Self:
        """Deserializes an entry."""
        values = json.loads(payload or b"null")
        return cls(UUID(values["job_id"]), UUID(values["company_id"]), values["task"])


class UnitDriver(Driver):
    """Runs pgqueuer's statements inside a unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._shutdown = asyncio.Event()

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        return [dict(row) for row in (await self._uow.driver_sql(query, args)).mappings()]

    async def execute(self, query: str, *args: object) -> str:
        return str((await self._uow.driver_sql(query, args)).rowcount)

    async def notify(self, channel: str, payload: str) -> None:
        await self._uow.driver_sql("SELECT pg_notify($1, $2)", (channel, payload))

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        raise NotImplementedError("a transaction cannot listen")

    @property
    def shutdown(self) -> asyncio.Event:
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        return TaskManager()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def builders() -> dict[str, Any]:
    """Arguments of `Queries` for pgqueuer's tables in the platform schema."""
    return {
        "qbe": QueryBuilderEnvironment(QUEUE_SETTINGS),
        "qbq": QueryQueueBuilder(QUEUE_SETTINGS),
        "qbs": QuerySchedulerBuilder(QUEUE_SETTINGS),
    }


async def add(uow: UnitOfWork, entry: Entry, queue: str) -> int:
    """Adds an entry with the priority of its company's fair share. Returns the entry's id."""
    virtual_time = await uow.scalar(ADVANCE_FAIR_SHARE, {"queue": queue, "company_id": entry.company_id})
    queries = Queries(UnitDriver(uow), **builders())
    (id,) = await queries.enqueue(queue, entry.pack(), priority=-virtual_time)
    return int(id)


async def cancel(uow: UnitOfWork, entry_id: int) -> None:
    """Removes an entry from the queue."""
    await Queries(UnitDriver(uow), **builders()).mark_job_as_cancelled([JobId(entry_id)])


async def notify_cancellation(uow: UnitOfWork, entry_id: int) -> None:
    """Notifies the entry's worker, at commit, to check its lease."""
    await Queries(UnitDriver(uow), **builders()).notify_job_cancellation([JobId(entry_id)])
