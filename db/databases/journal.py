"""The journal of databases that are created or dropped: rows of `placement_changes`, until it is done.

While somebody works on a change of a company's placement, they hold a lock on the connection that the
journal is written with. Whoever is killed loses it, and somebody else may follow.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Self
from uuid import UUID

import asyncpg
from sqlalchemy.dialects.postgresql import insert

from core.settings import driverless_url
from db.databases.company_databases import CompanyDatabases
from db.databases.servers import ServerError
from db.ids import new_id
from db.models import PlacementChange, PlacementChangeKind
from db.placement import Place
from db.provision import CONNECT_SECONDS, OWNER
from db.revisions import one_line
from db.uow import UnitOfWork

CREATE, DROP = PlacementChangeKind.CREATE, PlacementChangeKind.DROP

LOCK = "SELECT pg_try_advisory_lock(hashtextextended('journal ' || $1::text, 0))"
"""The lock of a company's journal; moves take it too."""

BEGIN = """
INSERT INTO platform.placement_changes (id, company_id, kind, step, database_server, database_name)
VALUES ($1, $2, $3, $4, $5, $6)
"""

DUE = """
SELECT id, company_id, kind, step, database_server, database_name FROM platform.placement_changes
WHERE kind IN ('create', 'drop') AND due_at <= now() ORDER BY due_at
"""

IS_PLACED = """
SELECT EXISTS (SELECT FROM platform.companies WHERE database_server = $1 AND database_name = $2)
"""


class Step(Enum):
    """How far a change has come."""

    CREATING = "creating"
    """The database is created, and the company is inserted. Undone if interrupted."""
    WAITING = "waiting"
    """The company is deleted, and its database is kept until the change is due."""
    DROPPING = "dropping"
    """The database is dropped: no company is, or will be, placed in it."""


class Busy(ServerError):
    """Another change of the company's placement is not finished."""


@dataclass(frozen=True)
class Change:
    """A database that is created or dropped."""

    id: UUID
    company_id: UUID
    kind: PlacementChangeKind
    step: Step
    place: Place


class Journal:
    """The journal of a company, locked."""

    def __init__(self, connection: asyncpg.Connection, company_id: UUID) -> None:
        self._connection, self.company_id = connection, company_id

    @classmethod
    @asynccontextmanager
    async def open(cls, databases: CompanyDatabases, company_id: UUID) -> AsyncIterator[Self]:
        """Connects to the primary database and locks the company's journal. Raises `Busy`, `ServerError`."""
        connection = await connect(databases)
        try:
            if not await connection.fetchval(LOCK, str(company_id)):
                raise Busy(f"the placement of company {company_id} is being changed by another process")
            yield cls(connection, company_id)
        finally:
            connection.terminate()

    async def begin(self, place: Place) -> Change:
        """Writes that a database is created. Raises `Busy`."""
        change = Change(new_id(), self.company_id, CREATE, Step.CREATING, place)
        try:
            await self._connection.execute(
                BEGIN, change.id, self.company_id, CREATE.value, change.step.value, *place
            )
        except asyncpg.UniqueViolationError:
            raise Busy(f"a change of the placement of company {self.company_id} is not finished") from None
        return change

    async def claim(self, change: Change) -> bool:
        """Writes that the database is dropped. False if a company is placed in it, or nothing is left to do.

        Waits for a transaction that ends the change.
        """
        found = await self._connection.fetchval(
            "UPDATE platform.placement_changes SET step = $2, updated_at = now() WHERE id = $1 RETURNING id",
            change.id,
            Step.DROPPING.value,
        )
        if found is None:
            return False
        if await self._connection.fetchval(IS_PLACED, *change.place):
            await self.end(change)
            return False
        return True

    async def end(self, change: Change) -> None:
        """The change is finished, or undone."""
        await self._connection.execute("DELETE FROM platform.placement_changes WHERE id = $1", change.id)


async def connect(databases: CompanyDatabases) -> asyncpg.Connection:
    """A connection to the primary database as its owner. Raises `ServerError`."""
    options = {"role": OWNER, "application_name": "seshat placement", "statement_timeout": "0"}
    try:
        return await asyncpg.connect(
            driverless_url(databases.url(None)), server_settings=options, timeout=CONNECT_SECONDS
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise ServerError(f"the primary database cannot be reached: {one_line(error)}") from error


async def due_changes(databases: CompanyDatabases) -> Sequence[Change]:
    """The creations that are not finished, some of which are worked on, and the removals that are due."""
    connection = await connect(databases)
    try:
        rows = await connection.fetch(DUE)
    finally:
        connection.terminate()
    return [
        Change(
            row["id"],
            row["company_id"],
            PlacementChangeKind(row["kind"]),
            Step(row["step"]),
            Place(row["database_server"], row["database_name"]),
        )
        for row in rows
    ]


async def drop_later(uow: UnitOfWork, place: Place, due_at: datetime) -> bool:
    """Writes, in the unit that deletes its company, that the company's database is dropped at `due_at`.

    False if another change of its placement is not finished.
    """
    values = {
        "company_id": uow.company_id,
        "kind": DROP,
        "step": Step.WAITING.value,
        "database_server": place.server,
        "database_name": place.database,
        "due_at": due_at,
    }
    statement = insert(PlacementChange).values(values).on_conflict_do_nothing()
    return await uow.scalar(statement.returning(PlacementChange.id)) is not None
