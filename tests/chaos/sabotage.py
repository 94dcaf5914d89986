"""Starts `seshat` without one of its protections: `python -m tests.chaos.sabotage fencing serve …`.

The checker has to notice each of them.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from sqlalchemy import delete, event
from sqlalchemy.ext.asyncio import AsyncEngine

from db import engines, errors
from db.database import Database
from db.engines import ScopedConnection
from db.models import Lease, LeaseState
from db.queue import leases
from db.queue.fenced_attempts import Attempt
from db.queue.leases import Heartbeat
from db.uow import UnitOfWork
from server.cli import main

SHARE_IN_USE = 0.03
"""Share of connections that come back to the pool while a statement runs on them."""


def without_fencing() -> None:
    """A worker that lost its job goes on and writes."""

    @asynccontextmanager
    async def write(attempt: Attempt) -> AsyncIterator[UnitOfWork]:
        async with attempt.database.tenant(attempt.company_id) as uow:
            yield uow

    async def delete_lease(attempt: Attempt, uow: UnitOfWork) -> LeaseState:
        await uow.execute(delete(Lease).where(Lease.id == attempt.id))
        return LeaseState.RUNNING

    async def heartbeat(database: Database, worker: str, jobs: Mapping[UUID, UUID]) -> Heartbeat:
        await original(database, worker, jobs)
        return Heartbeat(owned=frozenset(jobs), cancelling=frozenset())

    original = leases.heartbeat
    replace(Attempt, "write", write)
    replace(Attempt, "_delete_lease", delete_lease)
    replace(leases, "heartbeat", heartbeat)


def without_row_security() -> None:
    """The server does not look whether its role passes row-level security by, which the run lets it."""

    async def verify_isolation(database: Database) -> None:
        """Verifies nothing."""

    replace(Database, "verify_isolation", verify_isolation)


def without_connection_check() -> None:
    """Connections are used again whatever their state, and what the driver says of them is no disconnect.

    Some connections are in use when they come back.
    """

    def make_engine(url: str, **options: Any) -> AsyncEngine:
        engine = original(url, **options)

        @event.listens_for(engine.sync_engine, "checkin")
        def leave_in_use(connection: Any, record: Any) -> None:
            if connection is not None and random.random() < SHARE_IN_USE:
                running.add(asyncio.ensure_future(run_statement(connection.driver_connection)))

        return engine

    async def run_statement(connection: ScopedConnection) -> None:
        with suppress(Exception):
            await connection.execute("SELECT pg_sleep(0.5)")

    original, running = engines.make_engine, set[asyncio.Future[None]]()
    replace(ScopedConnection, "is_idle", lambda connection: True)
    replace(errors, "DRIVER_FAULTS", ())
    replace(engines, "make_engine", make_engine)


def replace(owner: Any, name: str, value: Any) -> None:
    """Replaces an attribute, which must exist."""
    getattr(owner, name)
    setattr(owner, name, value)


SABOTAGES: dict[str, Callable[[], None]] = {
    "connections": without_connection_check,
    "fencing": without_fencing,
    "rls": without_row_security,
}


if __name__ == "__main__":
    SABOTAGES[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
