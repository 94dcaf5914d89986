"""pgqueuer's entries, written in the caller's own transaction. No other module puts or withdraws one.

An entry says that somebody should look at a job; whether there is work is decided on the job's row.
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
    SELECT asked.queue, asked.company_id, coalesce(
        (SELECT -max(priority) FROM {PLATFORM}.pgqueuer WHERE entrypoint = asked.queue AND status = 'queued'),
        (SELECT max(virtual_time) FROM {PLATFORM}.fair_shares WHERE queue = asked.queue),
        0)
    FROM (SELECT CAST(:queue AS text) AS queue, CAST(:company_id AS uuid) AS company_id) AS asked
    ON CONFLICT (queue, company_id)
    DO UPDATE SET virtual_time = greatest(share.virtual_time + 1, excluded.virtual_time)
    RETURNING virtual_time
    """
)
"""Start-time fair queuing: a company's next job comes after its last, and not before what is served now.

A queue's virtual time is that of the most urgent entry that waits, or when none waits the latest given out.
"""


@dataclass(frozen=True)
class Entry:
    """What an entry carries: which job of which company, and which task it is."""

    job_id: UUID
    company_id: UUID
    task: str

    def pack(self) -> bytes:
        """As the entry's payload."""
        return json.dumps(asdict(self), default=str).encode()

    @classmethod
    def unpack(cls, payload: bytes | None) -> Self:
        """From the entry's payload."""
        values = json.loads(payload or b"null")
        return cls(UUID(values["job_id"]), UUID(values["company_id"]), values["task"])


class UnitDriver(Driver):
    """pgqueuer's statements inside a unit of work: they commit and roll back with everything else in it."""

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
    """What `Queries` needs to find its tables in the platform's schema."""
    return {
        "qbe": QueryBuilderEnvironment(QUEUE_SETTINGS),
        "qbq": QueryQueueBuilder(QUEUE_SETTINGS),
        "qbs": QuerySchedulerBuilder(QUEUE_SETTINGS),
    }


async def add(uow: UnitOfWork, entry: Entry, queue: str) -> int:
    """Add an entry, in its company's fair turn. Answers the entry's id."""
    turn = await uow.scalar(ADVANCE_FAIR_SHARE, {"queue": queue, "company_id": entry.company_id})
    queries = Queries(UnitDriver(uow), **builders())
    (id,) = await queries.enqueue(queue, entry.pack(), priority=-turn)
    return int(id)


async def cancel(uow: UnitOfWork, entry_id: int) -> None:
    """Take an entry out of the queue."""
    await Queries(UnitDriver(uow), **builders()).mark_job_as_cancelled([JobId(entry_id)])


async def notify_cancellation(uow: UnitOfWork, entry_id: int) -> None:
    """Tell the worker that holds the entry, at commit, to look at its lease."""
    await Queries(UnitDriver(uow), **builders()).notify_job_cancellation([JobId(entry_id)])
