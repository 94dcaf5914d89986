"""Companies with databases of their own: creation, migration, state, and the connections of a process.

Run as `python -m benchmarks.placement [--databases 100] [--jobs N]`. It creates the databases beside an
embedded primary in a temporary folder, takes their latest migration back, upgrades them in parallel
processes, reads their state, and lets one process read in all of them at once. Prints the times and the
connections, and exits with 1 if a limit is missed.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID

import asyncpg
from sqlalchemy import func, select

from benchmarks.bounds import Limit, verdict
from core.settings import Settings, driverless_url
from db.database import Database
from db.databases.changes import new_database
from db.databases.company_databases import CompanyDatabases
from db.databases.servers import servers_of
from db.databases.targets import company_targets
from db.ids import new_id
from db.migrate import Action, run_commands
from db.models import CompanyKind, Project
from db.placement import MAX_CONNECTIONS, Placement
from db.revisions import Target, revision_statuses, revisions
from resolvers.identity import users
from server.installation import admin_url, database_urls, open_installation

READERS, READS = 32, 10
"""Tasks that read at the same time, and the reads in each database."""

STATUS_SECONDS = 2.0

CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_rw'"


async def measure(count: int, jobs: int, folder: Path) -> list[Limit]:
    """Creates the databases and measures each part."""
    settings = Settings(data=folder, worker=False, demo=False)
    async with open_installation(settings) as ready:
        application, _ = database_urls(ready)
        database = Database(Placement(ready, application))
        try:
            companies, created = await create(ready, database, count)
            targets = await company_targets(servers_of(ready), ["tenant"])
            await run(targets, "downgrade", revisions("tenant")[-2], jobs)
            begin = perf_counter()
            failed = await run(targets, "upgrade", revisions("tenant")[-1], jobs)
            upgraded = perf_counter() - begin
            begin = perf_counter()
            statuses = await revision_statuses(targets)
            status = perf_counter() - begin
            own, most = await read_everywhere(ready, database, companies)
        finally:
            await database.close()
    outdated = sum(not found.is_latest for found in statuses)
    return [
        Limit(
            f"{count} databases created", "", f"{created:.1f} s, {created / count * 1000:.0f} ms each", True
        ),
        Limit(f"upgraded by {jobs} processes", "all", f"{upgraded:.1f} s, {failed} failed", failed == 0),
        Limit(
            "state read", f"{STATUS_SECONDS:g} s", f"{status:.2f} s, {outdated} not", status < STATUS_SECONDS
        ),
        Limit(
            "connections of a process to companies' databases",
            f"at most {MAX_CONNECTIONS}",
            f"{own} counted, {most} with the primary's",
            0 < own <= MAX_CONNECTIONS,
        ),
    ]


async def create(settings: Settings, database: Database, count: int) -> tuple[list[UUID], float]:
    """Creates companies with databases of their own. Returns their IDs and the time after the first."""
    databases = CompanyDatabases.of(settings)
    companies = [new_id() for _ in range(count + 1)]
    begin = perf_counter()
    for number, company_id in enumerate(companies):
        if number == 1:
            begin = perf_counter()
        async with (
            new_database(database, databases, company_id, "primary") as new,
            database.tenant(company_id, kind="platform") as uow,
        ):
            await users.insert_company(uow, str(company_id), CompanyKind.ORGANISATION, new=new)
    return companies[1:], perf_counter() - begin


async def run(targets: Sequence[Target], action: Action, revision: str, jobs: int) -> int:
    """Runs a command on all databases. Returns how many failed."""

    def work() -> int:
        return sum(found.error is not None for found in run_commands(targets, action, revision, jobs=jobs))

    return await asyncio.to_thread(work)


async def read_everywhere(
    settings: Settings, database: Database, companies: Sequence[UUID]
) -> tuple[int, int]:
    """Reads in all databases at the same time. Returns the most connections: to them, and of the process."""
    turns = iter([company_id for _ in range(READS) for company_id in companies])
    own = most = 0
    is_done = asyncio.Event()

    async def read() -> None:
        for company_id in turns:
            async with database.tenant(company_id, read_only=True) as uow:
                await uow.scalar(select(func.count()).select_from(Project))

    async def watch() -> None:
        nonlocal own, most
        connection = await asyncpg.connect(driverless_url(admin_url(settings)))
        while not is_done.is_set():
            own = max(own, *database.placement.connections().values())
            most = max(most, await connection.fetchval(CONNECTIONS))
            await asyncio.sleep(0.01)
        await connection.close()

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(read() for _ in range(READERS)))
    is_done.set()
    await watching
    return own, most


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="placement-") as folder:
        return verdict(asyncio.run(measure(options.databases, options.jobs, Path(folder))))


if __name__ == "__main__":
    sys.exit(main())
