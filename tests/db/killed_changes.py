"""Creates or drops databases of companies, in processes that are killed before each statement.

Run as `python -m tests.db.killed_changes <create|drop|repair>`, with the settings as JSON in standard input.
Prints a line for each run: what was left behind, before and after the repair.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio import selector_events
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import delete

from core.settings import Settings, driverless_url
from db.database import Database
from db.databases import journal
from db.databases.changes import new_database, repair
from db.databases.company_databases import CompanyDatabases
from db.ids import new_id
from db.models import Company, CompanyKind
from db.placement import Placement
from resolvers.identity import users

transport: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
original = transport.write

REMAINS = """
SELECT (SELECT count(*) FROM pg_database WHERE datname LIKE 'seshat\\_' || $1 || '\\_%') AS databases,
       (SELECT count(*) FROM platform.companies WHERE id = $2) AS companies,
       (SELECT count(*) FROM platform.companies JOIN pg_database ON datname = database_name
        WHERE id = $2 AND datallowconn) AS placed,
       (SELECT count(*) FROM platform.placement_changes WHERE company_id = $2) AS changes
"""


BORING = (b"BEGIN;", b"ROLLBACK;")
NO_ARGUMENTS = 45
"""Bytes of a message that executes a statement without arguments, such as those of SQLAlchemy's own."""


def is_statement(message: bytes) -> bool:
    """Whether a message to PostgreSQL runs a statement that may change something."""
    if message[:1] == b"Q":
        return not message[5:].startswith(BORING)
    return message[:1] == b"B" and len(message) > NO_ARGUMENTS


def kill_before(statement: int) -> None:
    """Kills this process before it sends the statement of this number to a server."""
    sent = 0

    def write(self: Any, data: Any) -> None:
        nonlocal sent
        sent += is_statement(bytes(data))
        if sent == statement:
            os.kill(os.getpid(), signal.SIGKILL)
        original(self, data)

    transport.write = write


def survives(work: Callable[[], Awaitable[None]], statement: int) -> bool:
    """Whether the work is done, in a process of its own, before the statement is sent."""
    child = os.fork()
    if child == 0:
        kill_before(statement)
        asyncio.run(work())  # type: ignore[arg-type]
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        return True
    assert os.WTERMSIG(status) == signal.SIGKILL
    return False


async def create(settings: Settings, company_id: UUID) -> None:
    """Creates a company with a database of its own."""
    database = Database(Placement(settings, settings.database_url or ""))
    databases = CompanyDatabases.of(settings)
    async with (
        new_database(database, databases, company_id, "primary") as new,
        database.tenant(company_id, kind="platform") as uow,
    ):
        await users.insert_company(uow, str(company_id), CompanyKind.ORGANISATION, new=new)
    await database.close()


async def remove(settings: Settings, company_id: UUID) -> None:
    """Deletes the company; its database is due at once."""
    database = Database(Placement(settings, settings.database_url or ""))
    place = await database.placement.locate(company_id)
    assert place is not None
    async with database.tenant(company_id, kind="platform") as uow:
        await journal.drop_later(uow, place, datetime.now(UTC))
        await uow.execute(delete(Company).where(Company.id == company_id))
    await database.close()


async def mend(settings: Settings) -> None:
    """Repairs what is left behind."""
    assert await repair(CompanyDatabases.of(settings), lambda line: None)


async def remains(settings: Settings, company_id: UUID) -> dict[str, int]:
    """What there is of a company."""
    connection = await asyncpg.connect(driverless_url(settings.database_admin_url or ""))
    row = await connection.fetchrow(REMAINS, company_id.hex, company_id)
    await connection.close()
    assert row is not None
    return dict(row)


def main(kind: str) -> None:
    """Kills the work before its first statement, its second, and so on, until it is done before."""
    settings = Settings(**json.load(sys.stdin))
    statement, is_done = 0, False
    while not is_done:
        statement, company_id = statement + 1, new_id()
        if kind != "create":
            asyncio.run(create(settings, company_id))
        if kind == "repair":
            asyncio.run(remove(settings, company_id))
        works: dict[str, Callable[[], Awaitable[None]]] = {
            "create": lambda: create(settings, company_id),  # noqa: B023
            "drop": lambda: remove(settings, company_id),  # noqa: B023
            "repair": lambda: mend(settings),
        }
        is_done = survives(works[kind], statement)
        before = asyncio.run(remains(settings, company_id))
        asyncio.run(mend(settings))
        after = asyncio.run(remains(settings, company_id))
        print(json.dumps({"done": is_done, "before": before, "after": after}), flush=True)
        if after["companies"]:
            asyncio.run(remove(settings, company_id))
            asyncio.run(mend(settings))


if __name__ == "__main__":
    main(sys.argv[1])
