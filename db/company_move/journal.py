"""The journal of moves: the row of `placement_changes` that says how far a move has come.

While somebody works on a move, they hold a lock on the connection that the journal is written with. Whoever
loses the connection can write nothing more, and somebody else may follow.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self
from uuid import UUID

import asyncpg

from core.settings import driverless_url
from db.company_move.fence import REOPEN
from db.company_move.site import CONNECT_SECONDS, MoveError
from db.ids import new_id
from db.placement import Place
from db.provision import OWNER
from db.revisions import one_line

MOVE = "move"


class Step(Enum):
    """The step of a move that is worked on."""

    COPY = "copy"
    """Rows are copied to the target. Undone if interrupted."""
    HANDOVER = "handover"
    """Writers are refused, and the last rows are copied. Undone if interrupted."""
    REMOVAL = "removal"
    """The company is at the target. Rows at the source are verified before they are deleted."""
    DELETION = "deletion"
    """The rows at the source are verified, and deleted."""
    RETURN = "return"
    """Rows were written at the source since the handover: the company is moved back."""
    CLEANUP = "cleanup"
    """The company is at the source. What is at the target is deleted."""


@dataclass
class Move:
    """A move that is not finished. A place is None if it is the shared database."""

    company_id: UUID
    source: Place | None
    target: Place | None
    step: Step
    details: dict[str, Any] = field(default_factory=dict)


class Busy(MoveError):
    """Somebody else works on the company's move."""


class Journal:
    """The journal of a company, locked."""

    def __init__(self, connection: asyncpg.Connection, company_id: UUID) -> None:
        self._connection, self.company_id = connection, company_id

    @classmethod
    @asynccontextmanager
    async def open(cls, primary_url: str, company_id: UUID) -> AsyncIterator[Self]:
        """Connects to the primary database and locks the company's journal. Raises `Busy`, `MoveError`."""
        connection = await connect(primary_url)
        try:
            lock = "SELECT pg_try_advisory_lock(hashtextextended('journal ' || $1::text, 0))"
            if not await connection.fetchval(lock, str(company_id)):
                raise Busy(f"company {company_id} is being moved by another process")
            yield cls(connection, company_id)
        finally:
            connection.terminate()

    async def read(self) -> Move | None:
        """The move that is not finished, if any."""
        row = await self._connection.fetchrow(
            "SELECT * FROM platform.placement_changes WHERE company_id = $1 AND kind = $2",
            self.company_id,
            MOVE,
        )
        return None if row is None else _move(row)

    async def place(self) -> Place | None:
        """Where the company is, None for the shared database. Raises `MoveError` if there is none."""
        row = await self._connection.fetchrow(
            "SELECT database_server, database_name FROM platform.companies WHERE id = $1", self.company_id
        )
        if row is None:
            raise MoveError(f"there is no company {self.company_id}")
        return _place(row)

    async def begin(self, move: Move) -> None:
        """Writes the first entry. Raises `MoveError` if another change of the place is not finished."""
        server, database = move.target or (None, None)
        try:
            await self._connection.execute(
                "INSERT INTO platform.placement_changes "
                "(id, company_id, kind, step, database_server, database_name, details) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                new_id(),
                move.company_id,
                MOVE,
                move.step.value,
                server,
                database,
                json.dumps({"source": move.source}),
            )
        except asyncpg.UniqueViolationError:
            raise MoveError(
                f"a change of the place of company {move.company_id} is not finished: "
                "run `seshat company repair`"
            ) from None

    async def write(self, move: Move, step: Step, **details: Any) -> None:
        """Writes that a step begins."""
        move.step, move.details = step, move.details | details
        await self._update(move)

    async def switch(self, move: Move, step: Step, place: Place | None, **details: Any) -> None:
        """Writes that a step begins, and that the company is at this place from now on."""
        server, database = place or (None, None)
        async with self._connection.transaction():
            status = await self._connection.execute(
                "UPDATE platform.companies SET database_server = $2, database_name = $3 WHERE id = $1",
                move.company_id,
                server,
                database,
            )
            if status != "UPDATE 1":
                raise MoveError(f"company {move.company_id} was deleted meanwhile")
            if place is None:
                await self._connection.execute(REOPEN, move.company_id)
            move.step, move.details = step, move.details | details
            await self._update(move)

    async def admit_orphan(self, place: Place | None) -> None:
        """Admits writers in the shared database if the company is there: a process has lost its move."""
        if place is None:
            await self._connection.execute(REOPEN, self.company_id)

    async def end(self, move: Move) -> None:
        """The move is finished, or undone."""
        await self._connection.execute(
            "DELETE FROM platform.placement_changes WHERE company_id = $1 AND kind = $2",
            move.company_id,
            MOVE,
        )

    async def _update(self, move: Move) -> None:
        status = await self._connection.execute(
            "UPDATE platform.placement_changes SET step = $3, details = $4, updated_at = now() "
            "WHERE company_id = $1 AND kind = $2",
            move.company_id,
            MOVE,
            move.step.value,
            json.dumps(move.details | {"source": move.source}),
        )
        if status != "UPDATE 1":
            raise MoveError(f"the move of company {move.company_id} was ended by somebody else")


async def connect(url: str) -> asyncpg.Connection:
    """A connection to the primary database as its owner. Raises `MoveError`."""
    settings = {"role": OWNER, "application_name": "seshat company move"}
    try:
        return await asyncpg.connect(driverless_url(url), server_settings=settings, timeout=CONNECT_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise MoveError(f"the primary database cannot be reached: {one_line(error)}") from error


async def unfinished_moves(connection: asyncpg.Connection) -> Sequence[Move]:
    """All moves that are not finished, of which some are worked on."""
    rows = await connection.fetch(
        "SELECT * FROM platform.placement_changes WHERE kind = $1 ORDER BY created_at", MOVE
    )
    return [_move(row) for row in rows]


def _place(row: asyncpg.Record) -> Place | None:
    server, database = row["database_server"], row["database_name"]
    return None if server is None or database is None else Place(server, database)


def _move(row: asyncpg.Record) -> Move:
    details = json.loads(row["details"] or "{}")
    source = details.pop("source", None)
    return Move(
        row["company_id"], Place(*source) if source else None, _place(row), Step(row["step"]), details
    )
