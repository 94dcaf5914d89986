"""Moves while users work: no acknowledged write is lost, and the time of refusal is short.

`make move-under-load` moves 100,000 rows.
"""

import os
from uuid import UUID

import asyncpg
import pytest

from core.settings import Settings, driverless_url
from db.company_move.execution import move_company
from db.placement import Place
from tests.db.company_move.conftest import Installation
from tests.db.company_move.copied_databases import address
from tests.db.company_move.killed_process import QUICK
from tests.db.company_move.load import FILL, assert_nothing_lost, load, processes

ROWS = int(os.environ.get("MOVE_ROWS", "3000"))

MAX_REFUSAL_SECONDS = 2.0


async def fill(installation: Installation, users: list[UUID]) -> None:
    """Adds rows to the company, some of them in a table with references to itself."""
    connection = await asyncpg.connect(driverless_url(installation.databases.url(None)))
    try:
        await connection.execute("SET synchronous_commit = off")
        await connection.execute(FILL, installation.company_id, users[0], ROWS)
    finally:
        await connection.close()


async def test_nothing_is_lost_when_a_company_moves_while_its_users_work(
    installation: Installation, own: Place, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    users = [
        row["id"] for row in await installation.primary("SELECT id FROM platform.users WHERE company_id = $1")
    ]
    await fill(installation, users)
    url = address(installation.application, installation.databases.primary)
    placed = settings.model_copy(update={"database_url": url})

    async with processes(placed, url) as databases:
        for target in (own, None):
            async with load(databases, installation.company_id, users * 2) as ledger:
                outcome = await move_company(
                    installation.databases, installation.company_id, target, limits=QUICK
                )
            await assert_nothing_lost(ledger, databases[1], installation.company_id)
            with capsys.disabled():
                print(
                    f"\n{'pooled' if target is None else 'dedicated'}: {outcome.rows:,} rows moved beside "
                    f"{ledger.writes * 4:,} writes; refused for {outcome.refusal:.2f} s, "
                    f"{ledger.refusals} times UNAVAILABLE, slowest {ledger.slowest:.2f} s"
                )
            assert ledger.writes > 0
            assert outcome.refusal < MAX_REFUSAL_SECONDS

    await installation.assert_settled(None)
