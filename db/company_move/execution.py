"""Execution of moves, and repair of those that were interrupted."""

import asyncio
import time
from uuid import UUID

import structlog

from db.company_move.databases import Databases
from db.company_move.journal import Busy, Journal, Move, Step, connect, unfinished_moves
from db.company_move.move import CompanyMove, Limits, Outcome, Report
from db.company_move.site import MoveError
from db.placement import Place

log = structlog.get_logger(__name__)

TAKEOVER_SECONDS, TAKEOVER_POLL_SECONDS = 10.0, 0.1
"""Time in which the server notices that the connection of a failed move is closed."""

ORPHANS = """
SELECT d.company_id FROM platform.departures d JOIN platform.companies c ON c.id = d.company_id
WHERE c.database_name IS NULL AND NOT EXISTS (
    SELECT FROM platform.placement_changes p WHERE p.company_id = d.company_id)
"""
"""Companies that are refused in the shared database though they are there."""

LIMITS = Limits()


def ignore(part: str) -> None:
    """Reports nothing."""


async def move_company(
    databases: Databases,
    company_id: UUID,
    target: Place | None,
    *,
    report: Report = ignore,
    limits: Limits = LIMITS,
) -> Outcome:
    """Moves a company while its users work. A move that fails before the handover is undone.

    After that an error means that the old rows still exist; `repair_company` deletes them. Raises
    `MoveError`.
    """
    begun = handed_over = False
    try:
        async with Journal.open(databases.url(None), company_id) as journal:
            source = await journal.place()
            if source == target:
                raise MoveError(f"company {company_id} is there already")
            move = Move(company_id, source, target, Step.COPY)
            await journal.begin(move)
            begun = True
            work = CompanyMove(databases, journal, move, report, limits)
            await work.start()
            handed_over = True
            await work.finish()
            return work.outcome
    except BaseException as error:
        if not begun or handed_over:
            raise
        outcome = await asyncio.shield(undo(databases, company_id, report, limits))
        if outcome is None or outcome.is_undone or not isinstance(error, Exception):
            raise
        return outcome  # the answer to the switch was lost


async def undo(databases: Databases, company_id: UUID, report: Report, limits: Limits) -> Outcome | None:
    """Undoes a move that has failed in this process."""
    deadline = time.monotonic() + TAKEOVER_SECONDS
    while True:
        try:
            return await repair_company(databases, company_id, report=report, limits=limits)
        except Busy:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(TAKEOVER_POLL_SECONDS)


async def repair_company(
    databases: Databases, company_id: UUID, *, report: Report = ignore, limits: Limits = LIMITS
) -> Outcome | None:
    """Finishes or undoes the unfinished move of a company, if there is one. Raises `Busy`, `MoveError`."""
    async with Journal.open(databases.url(None), company_id) as journal:
        move = await journal.read()
        if move is None:
            await journal.admit_orphan(await journal.place())
            return None
        work = CompanyMove(databases, journal, move, report, limits)
        await work.finish()
        return work.outcome


async def repair(databases: Databases, *, report: Report = ignore, limits: Limits = LIMITS) -> int:
    """Repairs all companies whose moves nobody works on. Returns the number of those that failed."""
    connection = await connect(databases.url(None))
    try:
        companies = [move.company_id for move in await unfinished_moves(connection)]
        companies += [row["company_id"] for row in await connection.fetch(ORPHANS)]
    finally:
        await connection.close()
    failures = 0
    for company_id in companies:
        report(f"repair company {company_id}")
        try:
            await repair_company(databases, company_id, report=report, limits=limits)
        except Busy as error:
            report(str(error))
        except MoveError as error:
            failures += 1
            report(f"FAILED: {error}")
            log.error("company_repair_failed", company=str(company_id), error=error)
    return failures
