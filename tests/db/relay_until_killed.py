"""Enqueues a job of a company and is killed at a step of the delivery: `python -m … URL COMPANY STEP`."""

import asyncio
import os
import signal
import sys
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from core.settings import Settings
from db import outbox
from db.database import Database
from db.models import ProcessingJob, ProcessingJobType
from db.placed_units import OwnUnitOfWork
from db.placement import Placement
from db.queue import enqueue
from db.uow import UnitOfWork
from tests.jobs.sample_jobs import Process

STEPS = ("begun", "delivered", "target committed", "source committed")


def kill() -> None:
    """As the kernel does."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(step: str) -> None:
    """Lets the process be killed when it gets there."""
    deliver, finish = outbox._relay, UnitOfWork._finish

    async def relay(database: Database, company_id: UUID, plane: str) -> int:
        if step == "begun":
            kill()
        unit: Any = UnitOfWork
        unit._finish = finish_and_kill
        return await deliver(database, company_id, plane)

    async def finish_and_kill(unit: Any, commit: bool) -> None:
        if step == "delivered":
            kill()
        await finish(unit, commit)
        is_source = isinstance(unit, OwnUnitOfWork)
        if step == ("source committed" if is_source else "target committed"):
            kill()

    outbox._relay = relay


async def main(url: str, company_id: UUID, step: str) -> None:
    """Enqueues a job and delivers its entry."""
    database = Database(Placement(Settings(database_url=url), url))
    kill_at(step)
    async with database.tenant(company_id) as uow:
        row = insert(ProcessingJob).values(job_type=ProcessingJobType.UPKEEP).returning(ProcessingJob.id)
        await enqueue(uow, Process(), await uow.scalar(row))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], UUID(sys.argv[2]), sys.argv[3]))
