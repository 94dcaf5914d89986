"""Benchmark of the first page of every root list of a large company, and its query plans.

Run as `python -m benchmarks.lists [--scale 100]`; a scale of 100 is about 200,000 rows.

Prints a table and exits with 1 if a list takes more statements than it should, or reads a large table whole.
"""

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import asyncpg
from graphql import GraphQLSchema
from rich.table import Table
from sqlalchemy import select

from benchmarks.bounds import Limit, console, verdict
from core.settings import Settings, driverless_url
from db.base import PLATFORM, TENANT
from db.models import Company, DocumentScope, User
from db.uow import Database
from resolvers.identity import accounts
from schema.contract import make_schema
from server.app import open_services
from server.demo import company
from server.demo.scale import grow
from server.installation import admin_url, open_installation
from server.seed import ADMIN
from tests import factories
from tests.factories import Fixture
from tests.factories.knowledge import a_chunk, a_document
from tests.graphql_client import Client
from tests.schema.graph.query_plans import WHOLE, plans_for, sent_by, slow

BOTH = (PLATFORM, TENANT)
MIN_LARGE_TABLE_ROWS = 10_000
REPETITIONS = 7
WITH_GLOBAL = {"documents", "documentChunks"}
"""Lists that include the platform's rows, with a second statement."""

PUBLISHED = 3
"""Published documents of the platform."""

TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'tenant'::regnamespace AND reltuples >= $1"


def lists(schema: GraphQLSchema) -> list[str]:
    """Root lists without required arguments."""
    assert schema.query_type is not None
    fields = schema.query_type.fields.items()
    return [name for name, field in fields if str(field.type).endswith("Connection!")]


async def measure(units: int, folder: Path) -> list[Limit]:
    """Fills the demo company, and queries the first page of each list."""
    contract = make_schema()
    async with open_installation(Settings(data=folder, worker=False)) as ready, AsyncExitStack() as stack:
        services = await open_services(ready, stack)
        company_id = await company.make(services)
        begin = perf_counter()
        rows = await grow(services.database, company_id, units, admin_url(ready))
        seconds = perf_counter() - begin
        console.print(f"{rows:,} rows in {seconds:.1f} s, {rows / max(seconds, 0.001):,.0f} a second")
        large = await large_tables(admin_url(ready))
        await publish(services.database)
        admin = await company.viewer(services, company_id)
        client = Client(services, contract, user_id=admin.user_id)
        with sent_by(services.database, *BOTH) as signing_in:
            await accounts.load_viewer(services.database, admin.user_id, None)
        table = Table(
            "list", "rows", "statements", "median ms", "read whole", title=f"First pages, scale {units}"
        )
        bounds = []
        for name in lists(contract._schema):
            document = f"{{ {name} {{ nodes {{ id }} }} }}"
            with sent_by(services.database, *BOTH) as sent:
                answer = await client(document)
            del sent[: len(signing_in)]
            plans = await plans_for(services.database, admin, sent)
            whole = [problem for plan in plans for problem in slow(plan, large, WHOLE)]
            allowed = 2 if name in WITH_GLOBAL else 1
            rows, milliseconds = len(answer[name]["nodes"]), await time_operation(client, document)
            table.add_row(name, str(rows), str(len(sent)), f"{milliseconds:.1f}", ", ".join(whole))
            met = rows > 0 and len(sent) == allowed and not whole
            measured = f"{rows} rows, {len(sent)} statements, {', '.join(whole) or 'by index'}"
            bounds.append(Limit(name, f"rows by {allowed} statements and an index", measured, met))
        console.print(table)
        return bounds


async def publish(database: Database) -> None:
    """Publishes documents of the platform."""
    async with database.platform(read_only=True) as uow:
        found = await uow.one(select(User.id, User.company_id).where(User.email == ADMIN))
    platform = Fixture(Company, {"id": found.company_id}, saved=True)
    admin = Fixture(User, {"id": found.id}, (platform,), saved=True)
    documents = [a_document(admin, scope=DocumentScope.GLOBAL) for _ in range(PUBLISHED)]
    await factories.save(database, *map(a_chunk, documents))


async def large_tables(admin_url: str) -> set[str]:
    """Tenant tables that must be read by index."""
    connection = await asyncpg.connect(driverless_url(admin_url))
    try:
        return {row["relname"] for row in await connection.fetch(TABLES, MIN_LARGE_TABLE_ROWS)}
    finally:
        await connection.close()


async def time_operation(client: Client, document: str) -> float:
    """Median time of the operation in milliseconds, including authentication."""
    times = []
    for _ in range(REPETITIONS):
        begin = perf_counter()
        await client(document)
        times.append(1000 * (perf_counter() - begin))
    return median(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=100)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="lists-") as folder:
        return verdict(asyncio.run(measure(options.scale, Path(folder))))


if __name__ == "__main__":
    sys.exit(main())
