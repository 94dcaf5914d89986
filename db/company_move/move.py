"""The move of a company: its steps, each of which can be repeated after the death of the process.

Until the company is at the target, an interrupted move is undone; from then on it is finished. If a row was
written at the source after the handover had begun, the company is returned.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import asyncpg

from db.company_move.comparison import Key, as_json, from_json, stable_digests
from db.company_move.databases import Databases
from db.company_move.fence import close_fence, open_fence, wait_for_readers, wait_for_writers
from db.company_move.journal import Journal, Move, Step
from db.company_move.restitution import Conflict, restore_source
from db.company_move.site import MoveError, Site
from db.company_move.synchronization import Synchronization, delete_rows
from db.company_move.tables import company_tables
from db.company_move.transfer import delete_keys
from db.placement import Place

SETTLED_ROWS = 500
"""Rows that changed during a round of copying, at which the handover begins."""

MAX_ROUNDS = 10

GRACE_SECONDS = 20.0
"""Time after which every process has noticed that a company has moved, also one that is not notified."""

READERS_SECONDS = 120.0

TABLES = company_tables()
VERIFIED_TABLES = [table for table in TABLES if not table.in_transit]

Report = Callable[[str], None]


@dataclass(frozen=True)
class Limits:
    """Bounds on the parts of a move.

    `handovers` are the seconds after which the attempts at a handover are given up, and users go on.
    """

    handovers: Sequence[float] = (2.0, 2.0, 2.0, 4.0, 8.0)
    pause: float = 1.0
    grace: float = GRACE_SECONDS
    readers: float = READERS_SECONDS


@dataclass
class Outcome:
    """What a move did: the rows that it copied, and the seconds during which writers were refused."""

    rows: int = 0
    refusal: float = 0.0
    is_undone: bool = False


class CompanyMove:
    """Works on the move of a company whose journal is locked. `report` is called as each part begins."""

    def __init__(
        self, databases: Databases, journal: Journal, move: Move, report: Report, limits: Limits
    ) -> None:
        self._databases, self._journal, self._move = databases, journal, move
        self._report, self._limits = report, limits
        self.outcome = Outcome()

    async def start(self) -> None:
        """Copies the company and hands it over. On an error the caller calls `finish`."""
        move = self._move
        if move.target is not None:
            self._report("create the database")
            await self._databases.create(move.target)
        async with self._site(move.source) as source, self._site(move.target) as target:
            await delete_rows(target, VERIFIED_TABLES)
            self._report("copy rows")
            rows = Synchronization(source, target, TABLES)
            self.outcome.rows = await rows.copy()
            if move.target is not None:
                await target.execute(f"VACUUM (ANALYZE) {', '.join(table.name for table in TABLES)}")
            self._report("compare rows")
            await rows.compare()
            await self._catch_up(rows)
            await self._hand_over(rows)

    async def _catch_up(self, rows: Synchronization) -> None:
        for number in range(1, MAX_ROUNDS + 1):
            self._report(f"copy changes, round {number}")
            if await rows.catch_up() <= SETTLED_ROWS:
                return

    async def _hand_over(self, rows: Synchronization) -> None:
        for limit in self._limits.handovers:
            await self._journal.write(self._move, Step.HANDOVER)
            self._report("refuse writers")
            begin = time.monotonic()
            try:
                async with asyncio.timeout(limit):
                    details = await self._settle(rows, limit)
            except (TimeoutError, asyncpg.LockNotAvailableError):
                await open_fence(rows.source)
                self._report(f"not settled within {limit:g} s: users go on")
                await asyncio.sleep(self._limits.pause)
                await self._catch_up(rows)
                continue
            self._report("switch")
            await self._journal.switch(self._move, Step.REMOVAL, self._move.target, **details)
            self.outcome.refusal = time.monotonic() - begin
            self._report(f"users were refused for {self.outcome.refusal:.2f} s")
            return
        raise MoveError(
            f"company {self._move.company_id} could not be handed over within "
            f"{max(self._limits.handovers):g} s: its users write too much, "
            "or a transaction of theirs takes too long"
        )

    async def _settle(self, rows: Synchronization, limit: float) -> dict[str, object]:
        """Copies the last rows with the fence closed. Returns what tells later writes at the source."""
        source, target = rows.source, rows.target
        await close_fence(source)
        await wait_for_writers(source, limit)
        async with source.snapshot():
            self._report("copy the last changes")
            horizon, found = await rows.finish()
            return {
                "horizon": horizon,
                "digests": as_json(found),
                "visible": {"source": await source.visible(), "target": await target.visible()},
            }

    async def finish(self) -> None:
        """Finishes the move, or undoes it if the company is not at the target."""
        steps: dict[Step, Callable[[], Awaitable[bool | None]]] = {
            Step.COPY: self._undo,
            Step.HANDOVER: self._undo,
            Step.REMOVAL: self._verify_source,
            Step.DELETION: partial(self._delete, self._move.source),
            Step.RETURN: self._return,
            Step.CLEANUP: self._clean_up,
        }
        is_finished = False
        while not is_finished:
            is_finished = bool(await steps[self._move.step]())

    async def _undo(self) -> None:
        self._report("undo")
        await self._journal.write(self._move, Step.CLEANUP)

    async def _verify_source(self) -> None:
        """Goes on with the deletion of the source's rows, unless one was written since the handover began."""
        move = self._move
        self._report("wait until nobody reads the old rows")
        async with self._site(move.source) as source:
            if not await wait_for_readers(source, self._limits.grace, self._limits.readers):
                raise MoveError(
                    f"somebody still reads the old rows of company {move.company_id}: "
                    "`seshat company repair` deletes them later"
                )
            found = await stable_digests(source, VERIFIED_TABLES, move.details["horizon"])
        changed = [
            name for name, digest in from_json(move.details["digests"]).items() if found[name] != digest
        ]
        if not changed:
            await self._journal.write(move, Step.DELETION)
        elif "kept" in move.details:
            raise MoveError(f"company {move.company_id} is kept in two databases: {move.details['kept']}")
        else:
            self._report(f"ROWS WERE WRITTEN after the handover had begun, in {', '.join(changed)}")
            await self._journal.write(move, Step.RETURN, stragglers=changed)

    async def _return(self) -> None:
        """Moves the company back, with the changes that were made at the target."""
        move = self._move
        self._report("return the company")
        async with self._site(move.source) as source, self._site(move.target) as target:
            await close_fence(target)
            await wait_for_writers(target, self._limits.readers)
            try:
                await restore_source(source, target, TABLES, move.details["visible"])
            except Conflict as conflict:
                await self._journal.write(move, Step.REMOVAL, kept=str(conflict))
                await open_fence(target)
                return
            await self._journal.switch(move, Step.CLEANUP, move.source, is_returned=True)
            await open_fence(source)

    async def _clean_up(self) -> bool:
        """Admits writers at the source, and deletes what is at the target."""
        move = self._move
        self.outcome.is_undone = True
        keys: Sequence[Key] = []
        async with self._site(move.source) as source:
            await open_fence(source)
            if move.target is None:
                keys = await transit_keys(source)
        if move.details.get("is_returned"):
            async with self._site(move.target) as target:
                await wait_for_readers(target, self._limits.grace, self._limits.readers)
        if move.target is None:
            async with self._site(None) as target:
                for table in TABLES:
                    if table.in_transit:
                        await delete_keys(target, table, keys)
        return await self._delete(move.target)

    async def _delete(self, place: Place | None) -> bool:
        """Deletes the rows of the company at a place, which it has left, and ends the move."""
        self._report("delete rows")
        if place is not None:
            await self._databases.drop(place)
        else:
            async with self._site(None) as site:
                await delete_rows(site, VERIFIED_TABLES)
        await self._journal.end(self._move)
        self._report("end")
        return True

    @asynccontextmanager
    async def _site(self, place: Place | None) -> AsyncIterator[Site]:
        url, company_id = self._databases.url(place), self._move.company_id
        async with Site.open(url, company_id, is_primary=place is None) as site:
            await site.exclude_others()
            yield site


async def transit_keys(site: Site) -> Sequence[Key]:
    """Keys of the company's rows in transit."""
    keys: list[Key] = []
    for table in TABLES:
        if table.in_transit:
            rows = await site.fetch(
                f'SELECT "{table.key}" AS key FROM {table.name} WHERE company_id = $1', site.company_id
            )
            keys += [row["key"] for row in rows]
    return keys
