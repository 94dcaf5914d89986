"""The command `seshat company`: where companies are, and moves between databases."""

import asyncio
import sys
import time
from argparse import Namespace
from uuid import UUID

import asyncpg

from core.settings import Settings, SettingsError
from core.settings.placement import PRIMARY
from db.company_move.execution import move_company, repair
from db.company_move.journal import connect
from db.company_move.site import MoveError
from db.databases import changes
from db.databases.company_databases import CompanyDatabases, new_name
from db.placement import Place
from server.installation import open_database

POOLED = "pooled"

COMPANIES = """
SELECT c.id, c.name, c.database_server, c.database_name, p.kind, p.step
FROM platform.companies c LEFT JOIN platform.placement_changes p ON p.company_id = c.id
WHERE $1::text IS NULL OR c.id::text = $1 OR c.name = $1 ORDER BY c.name
"""


def run(settings: Settings, options: Namespace) -> int:
    """`seshat company`."""
    return asyncio.run(run_action(settings, options))


async def run_action(settings: Settings, options: Namespace) -> int:
    """Runs the action with the installation's database. Returns the exit code."""
    async with open_database(settings) as ready:
        databases = CompanyDatabases.of(ready)
        if options.action == "list":
            return await print_companies(databases)
        if options.action == "repair":
            progress = Progress()
            are_complete = await changes.repair(databases, progress)
            return int(await repair(databases, report=progress) > 0 or not are_complete)
        return await move(ready, databases, options.company, options.to)


async def print_companies(databases: CompanyDatabases) -> int:
    """Prints where each company is, and changes that are not finished."""
    for company in await find_companies(databases, None):
        place = POOLED
        if company["database_name"] is not None:
            place = f"{company['database_server'] or PRIMARY}/{company['database_name']}"
        change = f"  ({company['kind']} not finished: {company['step']})" if company["kind"] else ""
        print(f"{company['id']}  {company['name']}: {place}{change}")
    return 0


async def find_companies(databases: CompanyDatabases, name: str | None) -> list[asyncpg.Record]:
    """The company with this name or ID, or all companies."""
    connection = await connect(databases.url(None))
    try:
        return list(await connection.fetch(COMPANIES, name))
    finally:
        await connection.close()


async def move(settings: Settings, databases: CompanyDatabases, name: str, to: str) -> int:
    """Moves a company to a database of its own on a server, or to the shared one."""
    if to not in (POOLED, PRIMARY, *settings.database_servers):
        raise SettingsError(f"--to {to}: DATABASE_SERVERS names no such server")
    companies = await find_companies(databases, name)
    if len(companies) != 1:
        raise MoveError(f"{len(companies) or 'no'} companies are called {name}: give an ID")
    [company] = companies
    company_id: UUID = company["id"]
    if to != POOLED and company["database_server"] == to:
        raise MoveError(f"{company['name']} has a database of its own on {to} already")
    target = None if to == POOLED else Place(to, new_name(company_id))
    progress = Progress()
    outcome = await move_company(databases, company_id, target, report=progress)
    if outcome.is_undone:
        print(
            f"seshat: {company['name']} was returned: rows were written past the fence, see the log",
            file=sys.stderr,
        )
        return 1
    place = POOLED if target is None else f"{target.server}/{target.database}"
    print(
        f"{company['name']} is in {place}: {outcome.rows:,} rows in {progress.seconds:.1f} s; "
        f"writes were refused for {outcome.refusal:.2f} s"
    )
    return 0


class Progress:
    """Prints the parts of a move as they begin, with the seconds since its start."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    @property
    def seconds(self) -> float:
        """The seconds since the start."""
        return time.monotonic() - self._begin

    def __call__(self, part: str) -> None:
        print(f"[{self.seconds:7.2f} s] {part}", flush=True)
